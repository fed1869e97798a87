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

const TOPICS = 1_000;

/** Subscriptions of one owner: fewer than the quotas allow. */
const OWNED = 100;

/** Medians of one round each, milliseconds. */
export type Cost = { stored: number; publish: number[]; subscribe: number[] };

type Run = Cost & { worker: BenchWorker; token: string; published: number; sent: number };

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
      const { publish, subscribe } = await measure(run, recorder.port, each);
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
  return { stored, worker, token: "", publish: [], subscribe: [], published: 0, sent: 0 };
}

/** A worker closes a connection that rests too long, so that each round opens its own. */
async function measure(run: Run, port: number, each: number): Promise<{ publish: number; subscribe: number }> {
  const connection = await openKeepAlive(run.worker.port);
  const publish = await timeEach(each, connection, () => publishOne(run));
  const subscribe = await timeEach(each, connection, () => subscribeOne(run, port));
  connection.close();
  return { publish, subscribe };
}

async function timeEach(
  count: number,
  connection: KeepAlive,
  next: () => Promise<Uint8Array> | Uint8Array,
): Promise<number> {
  const took: number[] = [];
  for (let n = 0; n < count; n++) {
    const request = await next();
    const since = performance.now();
    await connection.send(request);
    took.push(performance.now() - since);
  }
  return median(took);
}

/** One change of a topic that one subscription stands for. Whatever is stored, as many different topics change. */
async function publishOne(run: Run): Promise<Uint8Array> {
  const topic = `t/${(run.published++ % TOPICS) * Math.floor(run.stored / TOPICS)}`;
  const set = await signSet(run.worker, [topic]);
  return printRequest("POST", "/-/events", { "Content-Type": "application/secevent+jwt" }, set);
}

async function subscribeOne(run: Run, port: number): Promise<Uint8Array> {
  if (run.sent % OWNED === 0) run.token = await signAccess(run.worker, "subscribe", `owner-${run.sent}`);
  const endpoint = `https://127.0.0.1:${port}/new/${run.stored}/${run.sent++}`;
  const body = JSON.stringify({ endpoint, keys: KEYS, topics: [`new/${run.sent}`] });
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${run.token}` };
  return printRequest("POST", "/-/subscriptions", headers, body);
}
