/** Delay classes: how long what follows a first change may wait to be merged. */

/** Seconds. A subscriber's class is the longest of these that its `maxDelay` allows. */
export const DELAYS = [0, 5, 60] as const;

export type Delay = (typeof DELAYS)[number];

/** Priorities (CC/CD 70025, 0 to 100) from which a change does not wait at all, or only a little. */
const HIGH = 75;
const NORMAL = 25;

export function delayOf(priority: number): Delay {
  if (priority >= HIGH) return 0;
  return priority >= NORMAL ? 5 : 60;
}

export function classOf(maxDelay: number): Delay {
  return DELAYS.findLast((delay) => delay <= maxDelay) ?? 0;
}
