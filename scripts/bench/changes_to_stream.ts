/** From just before a SET is sent to when its event is read from a stream, at the same worker or at another one. */
import { followStream } from "./follow_stream.ts";
import { signRequest } from "./publish_load.ts";
import { watchCores } from "./process_usage.ts";
import { sendSteadily, sleep } from "./steady.ts";
import { signAccess } from "./tokens.ts";
import type { BenchWorker } from "./worker.ts";

export const PER_SECOND = 100;

/** The first second, while code is compiled, is not counted. */
const WARM_UP = PER_SECOND;

const decoder = new TextDecoder();

/** Milliseconds, one entry a change; `cores` of the two workers and of this process. `missed` events never came. */
export type Told = { toEvent: number[]; toAnswer: number[]; missed: number; cores: number[] };

/** Publishes at one worker for so many seconds, reads at the other, which may be the same. */
export async function changesToStream(to: BenchWorker, at: BenchWorker, seconds: number): Promise<Told> {
  const requests = await signAhead(to, WARM_UP + PER_SECOND * seconds), read: number[] = [];
  const onBytes = readTopics((index) => read[index] = performance.now());
  const stream = await followStream(at.port, { token: await signAccess(at, "subscribe"), onBytes });
  const cores = watchCores(to.pid, at.pid, Deno.pid);
  const { sent, answered } = await sendSteadily([to.port], requests, PER_SECOND);
  await sleep(500);
  const used = cores();
  await stream.close();
  const toEvent = between(sent, read), toAnswer = between(sent, answered);
  return { toEvent, toAnswer, missed: requests.length - WARM_UP - toEvent.length, cores: used };
}

function signAhead(worker: BenchWorker, count: number): Promise<Uint8Array[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => signRequest(worker, [`latency/${index}`])));
}

/** Finds the topics in a stream, whose bytes may be cut anywhere. */
function readTopics(found: (index: number) => void): (bytes: Uint8Array) => void {
  let rest = "";
  return (bytes) => {
    rest += decoder.decode(bytes, { stream: true });
    const whole = rest.slice(0, rest.lastIndexOf("\n") + 1);
    rest = rest.slice(whole.length);
    for (const [, index] of whole.matchAll(/"topic":"latency\/(\d+)"/g)) found(Number(index));
  };
}

function between(from: number[], to: number[]): number[] {
  return from.map((at, index) => to[index]! - at).slice(WARM_UP).filter((took) => !Number.isNaN(took));
}
