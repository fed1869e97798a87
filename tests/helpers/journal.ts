/** What the journal holds, read over HTTP as any listener with all rights would read it. */
import { readAfter } from "../../src/store/journal.ts";
import { EARLIEST } from "../../src/model/position.ts";
import { openStream, type ReceivedEvent } from "./event_source.ts";
import { accessToken, type TestWorker } from "./worker.ts";

export async function readJournal(worker: TestWorker): Promise<ReceivedEvent[]> {
  const batches = await readAfter(worker.kv, EARLIEST.versionstamp, 1_000);
  const count = batches.flatMap(({ changes }) => changes ?? []).length;
  const token = await accessToken(worker, { subscribe: ["*"] });
  await using stream = await openStream(worker.hub, "match=*&last_event_id=earliest", token);
  // What is held comes first, then the keep-alive that says where the stream is.
  await stream.until(() => stream.events.length >= count && /(^|\n\n)id: \S+\n\n/.test(stream.state.text));
  return stream.events;
}
