/** How a device learns of changes. */
import { nextInterval } from "../../src/dav/pace.ts";
import { HOUR, MINUTE } from "./assumptions.ts";

/** What the device asked for when it subscribed: `maxDelay` is seconds. */
export type Push = { minPriority: number; maxDelay: number };

/** Milliseconds until the next poll, from those before and whether the last one found anything. */
export type Poll = { first: number; next: (interval: number, isChanged: boolean) => number };

export type Strategy = { name: string; push?: Push; poll?: Poll };

export const every = (interval: number): Poll => ({ first: interval, next: () => interval });

const adaptive: Poll = { first: 15 * MINUTE, next: (interval, isChanged) => nextInterval(interval, isChanged, 0) };

const everything = { minPriority: 0, maxDelay: 60 };

export const STRATEGIES: Strategy[] = [
  { name: "push-each", push: { minPriority: 0, maxDelay: 0 } },
  { name: "push", push: everything },
  { name: "push+poll-4h", push: everything, poll: every(4 * HOUR) },
  { name: "push-not-low+poll-1h", push: { minPriority: 25, maxDelay: 60 }, poll: every(HOUR) },
  { name: "poll-adaptive", poll: adaptive },
  { name: "poll-15m", poll: every(15 * MINUTE) },
  { name: "poll-1h", poll: every(HOUR) },
  { name: "poll-4h", poll: every(4 * HOUR) },
];
