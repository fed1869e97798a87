/** Ten thousand topics that change at once, one in a hundred of which has a subscriber. */
import type { Cell } from "./cell.ts";
import { sendAll, signRequest } from "./publish_load.ts";
import type { PushSink } from "./push_sink.ts";
import { EVERY, MANY, manyTopic } from "./scale_database.ts";
import { sleep } from "./steady.ts";

/** Changes of one SET. */
const TOGETHER = 200;

/** Milliseconds until nobody waits for more pushes. */
const PATIENCE = 60_000;

/** From the first request, milliseconds: until all are accepted, and until each push. */
export type ManyChanged = { accepted: number; pushed: number[] };

export async function manyChange({ workers }: Cell, sink: PushSink): Promise<ManyChanged> {
  const requests: Uint8Array[] = [];
  for (let n = 0; n < MANY; n += TOGETHER) {
    const topics = Array.from({ length: TOGETHER }, (_, index) => manyTopic(n + index));
    requests.push(await signRequest(workers[0]!, topics));
  }
  const begun = Date.now();
  await sendAll(workers.map(({ port }) => port), requests);
  const accepted = Date.now() - begun;
  let pushed: number[] = [];
  while (pushed.length < MANY / EVERY && Date.now() - begun < PATIENCE) {
    await sleep(100);
    pushed = [...await sink.readTimes()].filter(([path]) => path.startsWith("/timed/many/")).map(([, at]) =>
      at - begun
    );
  }
  return { accepted, pushed };
}
