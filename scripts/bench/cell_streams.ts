/** Streams that are spread over several isolates, all of which hear what is published at the first. */
import { startCell } from "./cell.ts";
import { carillonTarget, OPEN } from "./fanout_targets.ts";
import { progress } from "./report.ts";
import { type LoadResult, runLoad } from "./sse_load.ts";

/** Ten events are outstanding, as in the bench `fanout`. */
const WINDOW = 10;

/** `streams` are those of the whole cell. */
export async function streamsOfCell(isolates: number, streams: number, rounds: number): Promise<LoadResult> {
  await using cell = await startCell(isolates, { env: OPEN });
  const [first, ...others] = cell.workers;
  progress(`cluster: ${streams} streams at ${isolates} isolates`);
  return await runLoad(await carillonTarget(first!, ...others), { streams, rounds, window: WINDOW });
}
