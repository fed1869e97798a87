/** What publishing and subscribing cost with a thousand, a hundred thousand and a million stored subscriptions. */
import { type KeepAlive, openKeepAlive, printRequest } from "./keep_alive.ts";
import type { PushRecorder } from "./push_recorder.ts";
import { progress } from "./report.ts";
import { median } from "./statistics.ts";
import { storeSubscriptions } from "./stored_subscriptions.ts";
import { signAccess, signSet } from "./tokens.ts";
import { type BenchWorker, startWorker } from "./worker.ts";

const KEYS = {
  p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
  auth: "BTBZMqHH6r4Tts7J_aSIgg",
};

/** Medians of one round each, milliseconds. */
export type Cost = { stored: number; publish: number[]; subscribe: number[] };

type Run = Cost & { worker: BenchWorker; connection: KeepAlive; token: string; sent: number };

/** All sizes at once, in turns, so that whatever else the machine does meets each of them. */
export async function storedCost(
  recorder: PushRecorder,
  { sizes, rounds, each }: { sizes: number[]; rounds: number; each: number },
): Promise<Cost[]> {
  await using things = new AsyncDisposableStack();
  const runs: Run[] = [];
  for (const stored of sizes) runs.push(await start(things, recorder, stored));
  // The first round, in which code is compiled and files are read, is not counted.
  for (let round = 0; round <= rounds; round++) {
    for (const run of runs) {
      const publish = await timeEach(each, () => publishOne(run));
      const subscribe = await timeEach(each, () => subscribeOne(run, recorder.port));
      if (round === 0) continue;
      run.publish.push(publish);
      run.subscribe.push(subscribe);
    }
  }
  return runs.map(({ stored, publish, subscribe }) => ({ stored, publish, subscribe }));
}

async function start(things: AsyncDisposableStack, recorder: PushRecorder, stored: number): Promise<Run> {
  progress(`subscriptions: storing ${stored}`);
  const fill = (kv: Deno.Kv) => storeSubscriptions(kv, { count: stored, port: recorder.port, topic: (n) => `t/${n}` });
  const worker = things.use(await startWorker({ env: recorder.env, fill }));
  const connection = await openKeepAlive(worker.port);
  things.defer(() => connection.close());
  return {
    stored,
    worker,
    connection,
    token: await signAccess(worker, "subscribe"),
    publish: [],
    subscribe: [],
    sent: 0,
  };
}

async function timeEach(count: number, run: () => Promise<() => Promise<void>>): Promise<number> {
  const took: number[] = [];
  for (let n = 0; n < count; n++) {
    const send = await run();
    const since = performance.now();
    await send();
    took.push(performance.now() - since);
  }
  return median(took);
}

/** One change of a topic that one subscription stands for. */
async function publishOne({ worker, connection, stored }: Run): Promise<() => Promise<void>> {
  const set = await signSet(worker, [`t/${Math.floor(Math.random() * stored)}`]);
  const request = printRequest("POST", "/-/events", { "Content-Type": "application/secevent+jwt" }, set);
  return () => connection.send(request);
}

function subscribeOne(run: Run, port: number): Promise<() => Promise<void>> {
  const endpoint = `https://127.0.0.1:${port}/new/${run.stored}/${run.sent++}`;
  const body = JSON.stringify({ endpoint, keys: KEYS, topics: [`new/${run.sent}`] });
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${run.token}` };
  const request = printRequest("POST", "/-/subscriptions", headers, body);
  return Promise.resolve(() => run.connection.send(request));
}
