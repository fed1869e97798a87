/** How much can be published: SETs of one change and of many, 50 in flight, while ten streams follow all of it. */
import { type Following, followStream } from "./follow_stream.ts";
import { openKeepAlive, printRequest } from "./keep_alive.ts";
import { watchCores } from "./process_usage.ts";
import { progress, type Report } from "./report.ts";
import { round } from "./statistics.ts";
import { signAccess, signSet } from "./tokens.ts";
import { type BenchWorker, startWorker } from "./worker.ts";

const IN_FLIGHT = 50;
const STREAMS = 10;
const MANY = 200;

/** Streams may lag behind the last answer for so long, milliseconds. */
const PATIENCE = 10_000;

type Load = { changes: number; sets: number; warmUp: number };

type Outcome = {
  setsPerSecond: number;
  changesPerSecond: number;
  missed: number;
  lag: number;
  worker: number;
  bench: number;
};

export async function publish({ quick }: { quick: boolean }): Promise<Report> {
  const share = quick ? 0.2 : 1;
  const one = await measure({ changes: 1, sets: Math.round(30_000 * share), warmUp: 2_000 });
  const many = await measure({ changes: MANY, sets: Math.round(3_500 * share), warmUp: 200 });
  return {
    bench: "publish",
    table: [
      ["SETs of", "SETs/s", "changes/s", "missed", "streams' lag, ms", "worker cores", "bench cores"],
      row("1 change", one),
      row(`${MANY} changes`, many),
    ],
    figures: { ...figures("one", one), ...figures("many", many) },
    marks: [
      { name: "sets_per_s", value: one.setsPerSecond, atLeast: 2_500 },
      { name: "changes_per_s", value: many.changesPerSecond, atLeast: 50_000 },
      { name: "events_missed", value: one.missed + many.missed, atMost: 0 },
    ],
  };
}

async function measure(load: Load): Promise<Outcome> {
  await using worker = await startWorker();
  progress(`publish: signing ${load.sets + load.warmUp} SETs of ${load.changes}`);
  const requests = await signAhead(worker, load);
  const token = await signAccess(worker, "subscribe");
  const streams = await Promise.all(Array.from({ length: STREAMS }, () => followStream(worker.port, { token })));
  await sendAll(worker.port, requests.splice(0, load.warmUp));
  progress(`publish: sending, ${IN_FLIGHT} in flight, ${STREAMS} streams follow`);
  const cores = watchCores(worker.pid, Deno.pid), begun = performance.now();
  await sendAll(worker.port, requests);
  const seconds = (performance.now() - begun) / 1000;
  const [busy, own] = cores();
  const expected = (load.sets + load.warmUp) * load.changes;
  const lag = await awaitEvents(streams, expected);
  const missed = streams.reduce((sum, { events }) => sum + Math.abs(expected - events), 0);
  await Promise.all(streams.map((stream) => stream.close()));
  return {
    setsPerSecond: load.sets / seconds,
    changesPerSecond: load.sets * load.changes / seconds,
    missed,
    lag,
    worker: busy!,
    bench: own!,
  };
}

async function signAhead(worker: BenchWorker, { changes, sets, warmUp }: Load): Promise<Uint8Array[]> {
  const requests: Uint8Array[] = [];
  for (let set = 0; set < sets + warmUp; set++) {
    const topics = Array.from({ length: changes }, (_, index) => `t/${(set + index) % 1_000}`);
    const headers = { "Content-Type": "application/secevent+jwt" };
    requests.push(printRequest("POST", "/-/events", headers, await signSet(worker, topics)));
  }
  return requests;
}

/** Each connection sends its next request when its last one was answered. */
async function sendAll(port: number, requests: Uint8Array[]): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
    const connection = await openKeepAlive(port);
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

function row(name: string, { setsPerSecond, changesPerSecond, missed, lag, worker, bench }: Outcome): string[] {
  return [name, ...[setsPerSecond, changesPerSecond, missed, lag, worker, bench].map((value) => `${round(value)}`)];
}

function figures(name: string, outcome: Outcome): Record<string, number> {
  return {
    [`${name}_sets_per_s`]: outcome.setsPerSecond,
    [`${name}_changes_per_s`]: outcome.changesPerSecond,
    [`${name}_lag_ms`]: outcome.lag,
    [`${name}_worker_cores`]: outcome.worker,
    [`${name}_bench_cores`]: outcome.bench,
  };
}
