/** What a cell of eight isolates costs while few or all of them publish: each follows what every other one commits. */
import { type Cell, type CellCores, metricOf, startCell, watchCell } from "./cell.ts";
import { signRequest } from "./publish_load.ts";
import { progress } from "./report.ts";
import { sendSteadily, sleep } from "./steady.ts";

const ISOLATES = 8;

/** SETs of one change that each writer is sent in a second. */
const LIGHT = 40;

/** Seconds of each load that are not counted. */
const WARM_UP = 3;

/** Batches a second that every isolate follows, and cores. */
export type Followed = CellCores & { writers: number; perSecond: number; commits: number };

/** Nobody writes; two do; all eight do; and two take as much as all eight did. */
const LOADS = [
  { writers: 0, perSecond: 0 },
  { writers: 2, perSecond: LIGHT },
  { writers: ISOLATES, perSecond: LIGHT },
  { writers: 2, perSecond: LIGHT * ISOLATES / 2 },
];

export async function follow(seconds: number): Promise<Followed[]> {
  await using cell = await startCell(ISOLATES);
  const followed: Followed[] = [];
  for (const load of LOADS) followed.push(await measure(cell, load, seconds));
  return followed;
}

async function measure(cell: Cell, load: { writers: number; perSecond: number }, seconds: number): Promise<Followed> {
  const { writers, perSecond } = load, count = writers * perSecond * (seconds + WARM_UP + 1);
  progress(`cluster: ${writers} writers of ${perSecond} SETs/s in a cell of ${ISOLATES}`);
  const requests: Uint8Array[] = [];
  while (requests.length < count) requests.push(await signRequest(cell.workers[0]!, [`f/${requests.length % 1_000}`]));
  const ports = cell.workers.slice(0, writers).map(({ port }) => port);
  const sending = writers > 0 ? sendSteadily(ports, requests, writers * perSecond) : undefined;
  await sleep(WARM_UP * 1000);
  const before = await countFollowed(cell), cores = watchCell(cell), since = performance.now();
  await sleep(seconds * 1000);
  const used = cores(), commits = (await countFollowed(cell) - before) * 1000 / (performance.now() - since);
  await sending;
  return { ...load, ...used, commits };
}

/** By the last of the isolates; where only some write it is none of them. */
async function countFollowed({ workers }: Cell): Promise<number> {
  const [count] = await metricOf(workers.slice(-1), "carillon_batches_followed_total");
  return count!;
}
