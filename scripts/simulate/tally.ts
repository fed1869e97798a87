/** What is counted. Whole numbers alone, so that the sum is the same whoever counted which part. */
import { DAY, IMPORTANCE, LATE, SECOND } from "./assumptions.ts";

/** Parts of each doubling of a staleness: a quantile is right to a thirty-second. */
const PARTS = 32;
const PART_BITS = 5;
const BINS = PARTS * 32;

/** Milliseconds that a bin can hold at most: 24 days. */
const MOST = 2 ** 31 - 1;

export type Tally = {
  /** Requests at the DAV server in each second. */
  requests: Uint32Array;
  /** How often each staleness was met, for each importance. */
  staleness: Float64Array;
  /** Milliseconds of staleness in all. */
  total: number;
  /** What each device should see of others' changes, and what it saw, saw late (or not at all), or never saw. */
  due: number;
  seen: number;
  late: number;
  unseen: number;
  changes: number;
  /** Push messages that were sent, and how often a device was woken by a push or by its own poll. */
  notifications: number;
  wakeUps: number;
};

export function createTally(days: number): Tally {
  return {
    requests: new Uint32Array(days * DAY / SECOND),
    staleness: new Float64Array(BINS * IMPORTANCE.length),
    total: 0,
    due: 0,
    seen: 0,
    late: 0,
    unseen: 0,
    changes: 0,
    notifications: 0,
    wakeUps: 0,
  };
}

export function countSeen(tally: Tally, importance: number, staleness: number): void {
  tally.staleness[importance * BINS + binOf(staleness)]!++;
  tally.total += staleness;
  tally.seen++;
  if (staleness > LATE) tally.late++;
}

/** Below so many milliseconds each has a bin of its own; above, each doubling has as many. */
function binOf(milliseconds: number): number {
  const value = Math.min(MOST, milliseconds), shift = 31 - Math.clz32(value | PARTS) - PART_BITS;
  return shift * PARTS + (value >>> shift);
}

/** The middle of what a bin holds. */
function middleOf(bin: number): number {
  const shift = Math.max(0, Math.floor(bin / PARTS) - 1);
  return (bin - shift * PARTS + (shift > 0 ? 0.5 : 0)) * 2 ** shift;
}

/** Milliseconds and how often, from the least on, of one importance, or of all. */
export function distribution({ staleness }: Tally, importance?: number): { staleness: number; count: number }[] {
  const of = importance === undefined ? IMPORTANCE.map((_, i) => i) : [importance];
  const counts = Array.from({ length: BINS }, (_, bin) => of.reduce((sum, i) => sum + staleness[i * BINS + bin]!, 0));
  return counts.map((count, bin) => ({ staleness: middleOf(bin), count })).filter(({ count }) => count > 0);
}

/** Milliseconds within which the share `q` of what was seen was seen; NaN when nothing was. */
export function quantileOf(tally: Tally, q: number, importance?: number): number {
  const bins = distribution(tally, importance);
  let rest = q * bins.reduce((sum, { count }) => sum + count, 0);
  return bins.find(({ count }) => (rest -= count) <= 0)?.staleness ?? NaN;
}

export function addTally(sum: Tally, { requests, staleness, ...counts }: Tally): void {
  for (const [second, count] of requests.entries()) sum.requests[second]! += count;
  for (const [bin, count] of staleness.entries()) sum.staleness[bin]! += count;
  for (const name of Object.keys(counts) as (keyof typeof counts)[]) sum[name] += counts[name];
}
