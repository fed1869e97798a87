/** What came of a scenario, in figures that do not depend on how many users there were. */
import { countDevices, IMPORTANCE, MINUTE, SECOND } from "./assumptions.ts";
import type { Outcome } from "./simulate.ts";
import { quantileOf, type Tally } from "./tally.ts";

export type Figures = {
  load: string;
  strategy: string;
  /** A second, for 1,000 devices: on average, in all minutes but a twentieth, in the busiest minute. */
  requests: { mean: number; p95: number; peak: number };
  /** Changes of others, messages sent, and wake-ups: a day, for each device. */
  changes: number;
  notifications: number;
  wakeUps: number;
  /** Seconds until a change was seen, by its importance; on average of all. */
  staleness: Record<string, { p50: number; p99: number }>;
  meanStaleness: number;
  /** Parts of all changes: seen after an hour or never, and never. */
  late: number;
  unseen: number;
  /** Seconds that a request waited for the DAV server at the worst. */
  longestWait: number;
};

export function toFigures({ scenario: { size, load, strategy }, tally, longestWait }: Outcome): Figures {
  const devices = countDevices(size.users), perDay = (count: number) => count / devices / size.days;
  return {
    load: load.name,
    strategy: strategy.name,
    requests: requestsOf(tally, devices),
    changes: perDay(tally.due),
    notifications: perDay(tally.notifications),
    wakeUps: perDay(tally.wakeUps),
    staleness: Object.fromEntries(IMPORTANCE.map(({ name }, i) => [name, quantiles(tally, i)])),
    meanStaleness: tally.total / tally.seen / SECOND,
    late: tally.late / tally.due,
    unseen: tally.unseen / tally.due,
    longestWait: longestWait / SECOND,
  };
}

function quantiles(tally: Tally, importance: number) {
  return { p50: quantileOf(tally, 0.5, importance) / SECOND, p99: quantileOf(tally, 0.99, importance) / SECOND };
}

function requestsOf({ requests }: Tally, devices: number) {
  const perMinute = sums(requests, MINUTE / SECOND).map((count) => count / 60 * 1000 / devices).sort();
  const mean = perMinute.reduce((sum, rate) => sum + rate, 0) / perMinute.length;
  return { mean, p95: perMinute[Math.floor(perMinute.length * 0.95)]!, peak: perMinute.at(-1)! };
}

/** Sums of so many in a row. */
export function sums(counts: Uint32Array, length: number): Float64Array {
  return Float64Array.from({ length: counts.length / length }, (_, i) => {
    return counts.subarray(i * length, (i + 1) * length).reduce((sum, count) => sum + count, 0);
  });
}
