/** Changes of distinct topics, one in a hundred of which has a subscriber: whether deliveries keep up, and how late they are. */
import { type Cell, type CellCores, startCell, watchCell } from "./cell.ts";
import { signRequest } from "./publish_load.ts";
import type { PushRecorder } from "./push_recorder.ts";
import { progress } from "./report.ts";
import { sendSteadily, sleep } from "./steady.ts";
import { storeSubscriptions } from "./stored_subscriptions.ts";

/** Changes a second that are offered, somewhat more than the mark asks for; and changes of one SET. */
const OFFERED = 12_000;
const TOGETHER = 200;

/** Every so manieth topic has a subscriber. */
const EVERY = 100;

/** Seconds: while code is compiled and the connection opened, nobody counts how late a push is. */
const WARM_UP = 2;

/** Milliseconds without a push until nobody waits for more. */
const PATIENCE = 15_000;

/** `changesPerSecond` until the last push; `lags` from the request of a change to its push, milliseconds. */
export type Delivered = { changesPerSecond: number; lags: number[]; missed: number; cores: CellCores };

export async function deliverFromCell(isolates: number, recorder: PushRecorder, seconds: number): Promise<Delivered> {
  const changes = OFFERED * seconds, subscribers = changes / EVERY;
  const topic = (n: number) => `change/${n}`;
  const fill = (kv: Deno.Kv) =>
    storeSubscriptions(kv, { count: subscribers, port: recorder.port, topic: (n) => topic(n * EVERY) });
  await using cell = await startCell(isolates, { env: recorder.env, fill });
  const sets = await signAhead(cell, changes, topic);
  progress(`cluster: ${OFFERED} changes/s for ${seconds} s, ${subscribers} subscribers, ${isolates} isolates`);
  const heard = listen(recorder), cores = watchCell(cell), begun = performance.now();
  const { sent } = await sendSteadily(cell.workers.map(({ port }) => port), sets, OFFERED / TOGETHER);
  const used = cores();
  await untilAll(heard, subscribers);
  const lags = [...heard].filter(([n]) => n >= WARM_UP * OFFERED).map(([n, at]) =>
    at - sent[Math.floor(n / TOGETHER)]!
  );
  const last = Math.max(...heard.values());
  return {
    changesPerSecond: changes * 1000 / (last - begun),
    lags,
    missed: subscribers - heard.size,
    cores: used,
  };
}

async function signAhead(cell: Cell, changes: number, topic: (n: number) => string): Promise<Uint8Array[]> {
  const sets: Uint8Array[] = [];
  for (let n = 0; n < changes; n += TOGETHER) {
    sets.push(await signRequest(cell.workers[0]!, Array.from({ length: TOGETHER }, (_, index) => topic(n + index))));
  }
  return sets;
}

/** When each topic's push came first, by its number. */
function listen(recorder: PushRecorder): Map<number, number> {
  const heard = new Map<number, number>();
  recorder.heard = (path) => {
    const n = Number(path.split("/")[2]);
    if (!heard.has(n)) heard.set(n, performance.now());
  };
  return heard;
}

async function untilAll(heard: Map<number, number>, count: number): Promise<void> {
  for (let size = -1, since = 0; heard.size < count; await sleep(20)) {
    if (heard.size > size) [size, since] = [heard.size, performance.now()];
    if (performance.now() - since > PATIENCE) return;
  }
}
