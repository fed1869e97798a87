/** One change of a topic with very many subscribers, which two isolates tell in pages, and how long others wait meanwhile. */
import { type Cell, type CellCores, metricOf, sum, watchCell } from "./cell.ts";
import { openKeepAlive } from "./keep_alive.ts";
import { residentMb } from "./process_usage.ts";
import { signRequest } from "./publish_load.ts";
import type { PushSink } from "./push_sink.ts";
import { progress } from "./report.ts";
import { BIG, SMALL, smallTopic } from "./scale_database.ts";
import { sleep } from "./steady.ts";

const DELIVERED = 'carillon_deliveries_total{transport="web-push",outcome="delivered"}';

/** Milliseconds between two changes of small topics, and between two looks at how far it is. */
const EVERY = 200;
const LOOK = 1_000;

/** Milliseconds without a message until nobody waits for more. */
const PATIENCE = 60_000;

/** `memory` is the most of each isolate, MB; `shares` the messages of each; `waits` those of small topics, milliseconds. */
export type BigTold = {
  seconds: number;
  delivered: number;
  shares: number[];
  memory: number[];
  cores: CellCores;
  waits: number[];
  unheard: number;
};

export async function tellBig(cell: Cell, sink: PushSink, subscribers: number): Promise<BigTold> {
  const before = await metricOf(cell.workers, DELIVERED), cores = watchCell(cell), begun = performance.now();
  await publish(cell, BIG);
  const over = new AbortController(), small = changeSmall(cell, over.signal);
  const { memory, last } = await watch(cell, sum(before) + subscribers);
  const used = cores();
  over.abort();
  const changed = await small;
  await sleep(5_000);
  const heard = await sink.readTimes();
  const shares = (await metricOf(cell.workers, DELIVERED)).map((count, index) => count - before[index]!);
  const waits = changed.map((at, n) => (heard.get(`/${smallTopic(n)}/${n}`) ?? NaN) - at);
  return {
    seconds: (last - begun) / 1000,
    delivered: sum(shares),
    shares,
    memory,
    cores: used,
    waits: waits.filter((wait) => !Number.isNaN(wait)),
    unheard: waits.filter(Number.isNaN).length,
  };
}

async function publish({ workers }: Cell, topic: string): Promise<void> {
  const request = await signRequest(workers[0]!, [topic]);
  const connection = await openKeepAlive(workers[0]!.port);
  await connection.send(request);
  connection.close();
}

/** Changes one small topic after the other; answers when each was, milliseconds since 1970. */
async function changeSmall(cell: Cell, signal: AbortSignal): Promise<number[]> {
  const changed: number[] = [];
  while (!signal.aborted && changed.length < SMALL) {
    changed.push(Date.now());
    await publish(cell, smallTopic(changed.length - 1));
    await sleep(EVERY);
  }
  return changed;
}

/** Looks until so many messages were delivered, or none come any more; `last` is when that was. */
async function watch({ workers }: Cell, expected: number): Promise<{ memory: number[]; last: number }> {
  let memory = workers.map(() => 0), delivered = -1, last = performance.now();
  for (let look = 1; delivered < expected && performance.now() - last < PATIENCE; look++) {
    await sleep(LOOK);
    const now = sum(await metricOf(workers, DELIVERED));
    if (now > delivered) [delivered, last] = [now, performance.now()];
    memory = memory.map((most, index) => Math.max(most, residentMb(workers[index]!.pid)));
    if (look % 20 === 0) progress(`scale: ${delivered} of ${expected}, ${memory.map(Math.round).join(" and ")} MB`);
  }
  return { memory, last };
}
