/** The share of the time that writing checkpoints takes, while a thousand changes a second are delivered. */
import { makeAdminToken } from "../../src/store/keys.ts";
import { openKeepAlive, printRequest } from "./keep_alive.ts";
import { readMetrics } from "./metrics.ts";
import type { PushRecorder } from "./push_recorder.ts";
import { storeSubscriptions } from "./stored_subscriptions.ts";
import { signSet } from "./tokens.ts";
import { startWorker } from "./worker.ts";

/** Changes a second, in SETs of so many. */
const RATE = 1_000;
const TOGETHER = 10;

/** Each topic changes once in five seconds, as often as an ordinary one is told. */
const TOPICS = 5_000;

/** `share` of the time that passed, `checkpoints` a second, `deliveries` a second, and changes a second that were sent. */
export type Checkpoints = { share: number; checkpoints: number; deliveries: number; changes: number };

export async function checkpoints(recorder: PushRecorder, seconds: number): Promise<Checkpoints> {
  const topic = (n: number) => `busy/${n}`;
  let admin = "";
  const fill = async (kv: Deno.Kv) => {
    admin = await makeAdminToken(kv);
    await storeSubscriptions(kv, { count: TOPICS, port: recorder.port, topic });
  };
  await using worker = await startWorker({ env: recorder.env, fill });
  recorder.heard = () => {};
  const read = async () => await readMetrics(worker.url, admin);
  const sets: Uint8Array[] = [];
  for (let n = 0; n < RATE * seconds; n += TOGETHER) {
    const topics = Array.from({ length: TOGETHER }, (_, index) => topic((n + index) % TOPICS));
    const headers = { "Content-Type": "application/secevent+jwt" };
    sets.push(printRequest("POST", "/-/events", headers, await signSet(worker, topics)));
  }
  const before = await read(), since = performance.now();
  await sendAtPace(worker.port, sets);
  const after = await read(), elapsed = (performance.now() - since) / 1000;
  const rate = (name: string) => (after(name) - before(name)) / elapsed;
  return {
    share: rate("carillon_checkpoint_seconds_sum"),
    checkpoints: rate("carillon_checkpoint_seconds_count"),
    deliveries: rate('carillon_deliveries_total{transport="web-push",outcome="delivered"}'),
    changes: rate("carillon_changes_total"),
  };
}

async function sendAtPace(port: number, sets: Uint8Array[]): Promise<void> {
  const connection = await openKeepAlive(port);
  const begun = performance.now();
  for (const [index, set] of sets.entries()) {
    const due = begun + index * TOGETHER * 1000 / RATE;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    await connection.send(set);
  }
  connection.close();
}
