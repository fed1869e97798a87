/** From the 202 of a change to the first push request, while nothing else is to do. */
import { openKeepAlive, printRequest } from "./keep_alive.ts";
import type { PushRecorder } from "./push_recorder.ts";
import { storeSubscriptions } from "./stored_subscriptions.ts";
import { signSet } from "./tokens.ts";
import { startWorker } from "./worker.ts";

/** Milliseconds between two changes: the worker is idle again. */
const PAUSE = 100;

/** The first, in which the connection is opened and code is compiled, are not counted. */
const WARM_UP = 20;

/** Milliseconds, one entry a change. */
export async function firstPush(recorder: PushRecorder, count: number): Promise<number[]> {
  const topic = (n: number) => `first/${n}`;
  const fill = (kv: Deno.Kv) => storeSubscriptions(kv, { count: count + WARM_UP, port: recorder.port, topic });
  await using worker = await startWorker({ env: recorder.env, fill });
  const connection = await openKeepAlive(worker.port);
  const took: number[] = [];
  for (let n = 0; n < count + WARM_UP; n++) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    const set = await signSet(worker, [topic(n)]);
    const heard = Promise.withResolvers<number>();
    recorder.heard = () => heard.resolve(performance.now());
    await connection.send(printRequest("POST", "/-/events", { "Content-Type": "application/secevent+jwt" }, set));
    const answered = performance.now();
    took.push(Math.max(0, await heard.promise - answered));
  }
  connection.close();
  return took.slice(WARM_UP);
}
