/** A load of signed SETs, 50 in flight, spread over the workers, while streams follow all of it at each. */
import { type Following, followStream } from "./follow_stream.ts";
import { openKeepAlive, printRequest } from "./keep_alive.ts";
import { watchCores } from "./process_usage.ts";
import { progress } from "./report.ts";
import { signAccess, signSet } from "./tokens.ts";
import type { BenchWorker } from "./worker.ts";

const IN_FLIGHT = 50;
const TOPICS = 1_000;

/** Streams may lag behind the last answer for so long, milliseconds. */
const PATIENCE = 10_000;

/** SETs of so many changes; `streams` follow at each worker. */
export type Load = { changes: number; sets: number; warmUp: number; streams: number };

/** `workers`, `database` and `bench` are cores; `lag` is of the slowest stream behind the last answer, milliseconds. */
export type Outcome = {
  setsPerSecond: number;
  changesPerSecond: number;
  missed: number;
  lag: number;
  workers: number[];
  database: number;
  bench: number;
};

/** `database` is the process that keeps what the workers share, if there is one. */
export async function measurePublish(workers: BenchWorker[], load: Load, database?: number): Promise<Outcome> {
  progress(`publish: signing ${load.sets + load.warmUp} SETs of ${load.changes}`);
  const requests = await signAhead(workers[0]!, load), ports = workers.map(({ port }) => port);
  const streams = await followAll(workers, load.streams);
  await sendAll(ports, requests.splice(0, load.warmUp));
  progress(`publish: sending, ${IN_FLIGHT} in flight, ${streams.length} streams follow`);
  const cores = watchCores(Deno.pid, database ?? Deno.pid, ...workers.map(({ pid }) => pid)), begun = performance.now();
  await sendAll(ports, requests);
  const seconds = (performance.now() - begun) / 1000;
  const [bench, databases, ...busy] = cores();
  const expected = (load.sets + load.warmUp) * load.changes;
  const lag = await awaitEvents(streams, expected);
  const missed = streams.reduce((total, { events }) => total + Math.abs(expected - events), 0);
  await Promise.all(streams.map((stream) => stream.close()));
  const speed = { setsPerSecond: load.sets / seconds, changesPerSecond: load.sets * load.changes / seconds };
  return { ...speed, missed, lag, workers: busy, database: database ? databases! : 0, bench: bench! };
}

async function followAll(workers: BenchWorker[], each: number): Promise<Following[]> {
  const token = await signAccess(workers[0]!, "subscribe");
  const opening = workers.flatMap(({ port }) => Array.from({ length: each }, () => followStream(port, { token })));
  return await Promise.all(opening);
}

async function signAhead(worker: BenchWorker, { changes, sets, warmUp }: Load): Promise<Uint8Array[]> {
  const requests: Uint8Array[] = [];
  for (let set = 0; set < sets + warmUp; set++) {
    const topics = Array.from({ length: changes }, (_, index) => `t/${(set + index) % TOPICS}`);
    requests.push(await signRequest(worker, topics));
  }
  return requests;
}

/** The bytes of a request that publishes one change of each topic. */
export async function signRequest(worker: BenchWorker, topics: string[]): Promise<Uint8Array> {
  const headers = { "Content-Type": "application/secevent+jwt" };
  return printRequest("POST", "/-/events", headers, await signSet(worker, topics));
}

/** Each connection sends its next request when its last one was answered. */
export async function sendAll(ports: number[], requests: Uint8Array[]): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: IN_FLIGHT }, async (_, index) => {
    const connection = await openKeepAlive(ports[index % ports.length]!);
    while (next < requests.length) await connection.send(requests[next++]!);
    connection.close();
  }));
}

/** Waits until every stream has read so many events; answers how long that took, milliseconds. */
async function awaitEvents(streams: Following[], expected: number): Promise<number> {
  const since = performance.now();
  while (streams.some(({ events }) => events < expected) && performance.now() - since < PATIENCE) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return performance.now() - since;
}
