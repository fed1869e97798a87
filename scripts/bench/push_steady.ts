/** From just before a push is sent to when its event is read, at a steady pace. */
import { sendSteadily, sleep } from "./steady.ts";
import { printPush, type Resources, type Sender } from "./push_requests.ts";
import { readPushes } from "./push_stream.ts";
import type { BenchWorker } from "./worker.ts";

export const PER_SECOND = 100;

/** Milliseconds, one entry a push. `missed` events never came. */
export type Steady = { toEvent: number[]; toAnswer: number[]; missed: number };

/** Pushes so many times, and once a second more as long as `goesOn` says so. */
export async function pushSteadily(
  worker: BenchWorker,
  { push, subscription }: Resources,
  { authorization }: Sender,
  goesOn: (second: number) => boolean,
): Promise<Steady> {
  const all: Steady = { toEvent: [], toAnswer: [], missed: 0 }, read = new Map<string, number>();
  const stream = await readPushes(worker.port, subscription, (topic) => read.set(topic, performance.now()));
  for (let second = 0; goesOn(second); second++) {
    const topics = Array.from({ length: PER_SECOND }, () => crypto.randomUUID().slice(0, 32));
    const requests = topics.map((Topic) => printPush(push, authorization, { Topic }));
    const { sent, answered } = await sendSteadily([worker.port], requests, PER_SECOND);
    await allRead(topics, read);
    all.toAnswer.push(...sent.map((at, index) => answered[index]! - at));
    all.toEvent.push(...topics.flatMap((topic, index) => read.has(topic) ? [read.get(topic)! - sent[index]!] : []));
  }
  await stream.close();
  return { ...all, missed: all.toAnswer.length - all.toEvent.length };
}

/** Waits for those that are still on their way, up to five seconds. */
async function allRead(topics: string[], read: Map<string, number>): Promise<void> {
  for (let waited = 0; waited < 1_000 && topics.some((topic) => !read.has(topic)); waited++) await sleep(5);
}
