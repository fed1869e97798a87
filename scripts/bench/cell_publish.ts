/** Publishing to several isolates: SETs of one change and of many, while streams follow at each. */
import { startCell } from "./cell.ts";
import { type Load, measurePublish, type Outcome } from "./publish_load.ts";

/** At each isolate. */
const STREAMS = 4;

export const MANY = 200;

export type Published = { one: Outcome; many: Outcome };

/** `share` of the usual load. */
export async function publishToCell(isolates: number, share: number): Promise<Published> {
  const one = await measure(isolates, { changes: 1, sets: 12_000 * share, warmUp: 1_000, streams: STREAMS });
  const many = await measure(isolates, { changes: MANY, sets: 1_500 * share, warmUp: 100, streams: STREAMS });
  return { one, many };
}

/** Each load has a cell of its own: what the other one left would be read by retention meanwhile. */
async function measure(isolates: number, load: Load): Promise<Outcome> {
  await using cell = await startCell(isolates);
  return await measurePublish(cell.workers, load, cell.denokv.pid);
}
