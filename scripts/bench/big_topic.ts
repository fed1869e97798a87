/** Whether a topic with very many subscribers holds up another one: same worker, same shard, same push service. */
import { topicHash } from "../../src/store/subscribers.ts";
import { shardOf } from "../../src/model/shard.ts";
import { openKeepAlive, printRequest } from "./keep_alive.ts";
import type { PushRecorder } from "./push_recorder.ts";
import { progress } from "./report.ts";
import { storeSubscriptions } from "./stored_subscriptions.ts";
import { signSet } from "./tokens.ts";
import { type BenchWorker, startWorker } from "./worker.ts";

const BIG = "big";

/** Milliseconds between two changes of small topics. */
const EVERY = 50;

/** Milliseconds from the request of a change to its push, before the big topic is told and while it is. */
export type Held = { before: number[]; during: number[]; seconds: number; delivered: number };

export async function bigTopic(
  recorder: PushRecorder,
  { subscribers, samples }: { subscribers: number; samples: number },
): Promise<Held> {
  const small = topicsOfOneShard(BIG, 4_000);
  await using worker = await startWorker({
    env: recorder.env,
    fill: (kv) => fill(kv, recorder.port, subscribers, small),
  });
  const pushed = new Map<string, (at: number) => void>();
  let delivered = 0;
  recorder.heard = (path) => {
    const [, name, number] = path.split("/");
    if (name === BIG) delivered++;
    else pushed.get(`${name}/${number}`)?.(performance.now());
  };
  const next = small.values();
  const before = await sample(worker, next, pushed, (taken) => taken < samples);
  progress(`subscriptions: one change to ${subscribers} subscribers`);
  const since = performance.now();
  await publish(worker, BIG);
  const during = await sample(worker, next, pushed, () => delivered < subscribers);
  return { before, during, seconds: (performance.now() - since) / 1000, delivered };
}

/** Names of topics that are delivered by the same shard. */
function topicsOfOneShard(topic: string, count: number): string[] {
  const shard = shardOf(topicHash(topic));
  return Iterator.from(numbers()).map((n) => `small/${n}`).filter((name) => shardOf(topicHash(name)) === shard)
    .take(count).toArray();
}

function* numbers(): Generator<number> {
  for (let n = 0;; n++) yield n;
}

async function fill(kv: Deno.Kv, port: number, subscribers: number, small: string[]): Promise<void> {
  progress(`subscriptions: storing ${subscribers} of one topic`);
  await storeSubscriptions(kv, { count: subscribers, port, topic: () => BIG });
  await storeSubscriptions(kv, { count: small.length, port, topic: (n) => small[n]! });
}

/** Changes one small topic after the other at a steady pace, and answers how long each took to be pushed. */
async function sample(
  worker: BenchWorker,
  topics: Iterator<string>,
  pushed: Map<string, (at: number) => void>,
  goOn: (taken: number) => boolean,
): Promise<number[]> {
  const waiting: Promise<number>[] = [];
  while (goOn(waiting.length)) {
    const { value: topic, done } = topics.next();
    if (done) break;
    const { promise, resolve } = Promise.withResolvers<number>();
    pushed.set(topic, resolve);
    const since = performance.now();
    await publish(worker, topic);
    waiting.push(promise.then((at) => at - since));
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
  return await Promise.all(waiting);
}

async function publish(worker: BenchWorker, topic: string): Promise<void> {
  const connection = await openKeepAlive(worker.port);
  const set = await signSet(worker, [topic]);
  await connection.send(printRequest("POST", "/-/events", { "Content-Type": "application/secevent+jwt" }, set));
  connection.close();
}
