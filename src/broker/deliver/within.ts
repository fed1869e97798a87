/** Waiting for something, but not for ever. */
import type { Clock } from "../../clock.ts";

/** Resolves when it is done, or after so many milliseconds. Rejects when it rejects before. */
export async function within(clock: Clock, milliseconds: number, done: Promise<void>): Promise<void> {
  const patience = new AbortController();
  await Promise.race([done, clock.wait(milliseconds, patience.signal)]);
  patience.abort();
}
