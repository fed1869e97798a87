/** Who is to be left alone, and for how long; bounded, since strangers choose the names. */
import type { Clock } from "../clock.ts";
import { forgetOldest } from "../model/forget_oldest.ts";

/** Beyond, the pause that was begun first is forgotten. */
const MAX_PAUSES = 10_000;

export type Pauses = ReturnType<typeof createPauses>;

export function createPauses(clock: Clock) {
  const until = new Map<string, number>();
  return {
    begin(name: string, milliseconds: number): void {
      until.delete(name);
      until.set(name, clock.elapsed() + milliseconds);
      forgetOldest(until, MAX_PAUSES);
    },
    /** Milliseconds that are left, 0 when there is no pause. */
    left: (name: string): number => Math.max(0, (until.get(name) ?? 0) - clock.elapsed()),
  };
}
