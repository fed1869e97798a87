/** Publish to stream: from just before a SET is sent to when its event is read, on the file database. */
import { followStream } from "./follow_stream.ts";
import { type KeepAlive, openKeepAlive, printRequest } from "./keep_alive.ts";
import { watchCores } from "./process_usage.ts";
import { progress, type Report } from "./report.ts";
import { quantile } from "./statistics.ts";
import { commitAlone } from "./commit_alone.ts";
import { signAccess, signSet } from "./tokens.ts";
import { type BenchWorker, startWorker } from "./worker.ts";

const PER_SECOND = 100;
const SECONDS = 20;
const SECONDS_QUICK = 5;

/** The first second, while code is compiled, is not counted. */
const WARM_UP = PER_SECOND;

/** An open loop must not wait for an answer to send the next: so many may be on their way. */
const CONNECTIONS = 8;

const decoder = new TextDecoder();

export async function latency({ quick }: { quick: boolean }): Promise<Report> {
  await using worker = await startWorker();
  const count = WARM_UP + PER_SECOND * (quick ? SECONDS_QUICK : SECONDS);
  const bare = await commitAlone(quick ? 100 : 500);
  progress(`latency: signing ${count} SETs, then ${PER_SECOND} a second`);
  const requests = await signAhead(worker, count);
  const { sent, answered, read, cores } = await run(worker, requests);
  const toEvent = between(sent, read), toAnswer = between(sent, answered);
  return {
    bench: "latency",
    table: [
      ["milliseconds", "p50", "p90", "p99", "max"],
      ["until the event is read", ...columns(toEvent)],
      ["until the answer, 202", ...columns(toAnswer)],
      ["a commit alone, this disk", ...columns(bare)],
    ],
    figures: {
      events: toEvent.length,
      p50_ms: quantile(toEvent, 0.5),
      p90_ms: quantile(toEvent, 0.9),
      p99_ms: quantile(toEvent, 0.99),
      max_ms: Math.max(...toEvent),
      answer_p50_ms: quantile(toAnswer, 0.5),
      answer_p99_ms: quantile(toAnswer, 0.99),
      commit_alone_p50_ms: quantile(bare, 0.5),
      worker_cores: cores[0]!,
      bench_cores: cores[1]!,
    },
    marks: [
      { name: "p50_ms", value: quantile(toEvent, 0.5), atMost: 1.5 },
      { name: "p99_ms", value: quantile(toEvent, 0.99), atMost: 8 },
      { name: "events_missed", value: count - WARM_UP - toEvent.length, atMost: 0 },
    ],
  };
}

function signAhead(worker: BenchWorker, count: number): Promise<Uint8Array[]> {
  const headers = { "Content-Type": "application/secevent+jwt" };
  return Promise.all(Array.from({ length: count }, async (_, index) => {
    return printRequest("POST", "/-/events", headers, await signSet(worker, [`latency/${index}`]));
  }));
}

/** Sends each request when its time has come, whatever became of the ones before. */
async function run(worker: BenchWorker, requests: Uint8Array[]) {
  const sent: number[] = [], answered: number[] = [], read: number[] = [];
  const token = await signAccess(worker, "subscribe");
  const stream = await followStream(worker.port, { token, onBytes: readTopics((index) => read[index] = now()) });
  const idle = await Promise.all(Array.from({ length: CONNECTIONS }, () => openKeepAlive(worker.port)));
  const post = async (index: number, connection: KeepAlive) => {
    sent[index] = now();
    await connection.send(requests[index]!);
    answered[index] = now();
    idle.push(connection);
  };
  const cores = watchCores(worker.pid, Deno.pid), begun = now(), posts: Promise<void>[] = [];
  for (let index = 0; index < requests.length; index++) {
    await sleep(begun + index * 1000 / PER_SECOND - now());
    posts.push(post(index, idle.shift() ?? await openKeepAlive(worker.port)));
  }
  await Promise.all(posts);
  await sleep(500);
  const used = cores();
  await stream.close();
  for (const connection of idle) connection.close();
  return { sent, answered, read, cores: used };
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

function columns(samples: number[]): string[] {
  return [0.5, 0.9, 0.99, 1].map((q) => quantile(samples, q).toFixed(2));
}

function now(): number {
  return performance.now();
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));
}
