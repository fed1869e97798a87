/** Whether an owner has lapsed: by how long its version has not moved before our own eyes, never by a wall clock. */
import type { Clock } from "../../clock.ts";
import { LAPSE } from "./lease.ts";

const MAX_SEEN = 10_000;

export function createSightings(clock: Clock, lapse = LAPSE) {
  const seen = new Map<string, { versionstamp: string; since: number }>();

  /** Looks at a version. True when it was the same for as long as nobody who is alive lets it be. */
  function hasLapsed(key: string, versionstamp: string): boolean {
    const before = seen.get(key);
    if (before?.versionstamp === versionstamp) return clock.elapsed() - before.since >= lapse;
    // What was seen long ago and is gone must not be remembered for ever.
    if (seen.size >= MAX_SEEN) seen.clear();
    seen.set(key, { versionstamp, since: clock.elapsed() });
    return false;
  }

  /** There is nothing to do: nobody has to show that it lives. */
  const forget = (key: string) => void seen.delete(key);

  return { hasLapsed, forget };
}
