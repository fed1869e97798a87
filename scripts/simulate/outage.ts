/** A push service that is out of order for a part of each day. */
import { backOff } from "../../src/broker/deliver/back_off.ts";
import { DAY } from "./assumptions.ts";
import type { Random } from "./random.ts";

/** Milliseconds of a day. It refuses what it is sent, which is sent again; or it accepts, and delivers nothing. */
export type Outage = { from: number; to: number; isRefusal: boolean };

export const isWithin = (at: number, { from, to }: Outage) => at % DAY >= from && at % DAY < to;

/** When it takes what was to be sent at that time: by the broker's own schedule of tries, as far as it refuses. */
export function takenAt(at: number, outage: Outage | undefined, random: Random): number {
  if (!outage?.isRefusal) return at;
  for (let attempt = 0; isWithin(at, outage); attempt++) at += Math.round(backOff(attempt, random));
  return at;
}
