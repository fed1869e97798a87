/** Who is there: the workers of a cell that were seen to move of late, by this process's own unjumping clock. */
import type { Clock } from "../clock.ts";
import { LAPSE } from "./deliver/lease.ts";

type Seen = { versionstamp: string; since: number; hasMoved: boolean };

type Deps = {
  clock: Clock;
  /** Shows that this worker lives. */
  renew: () => Promise<void>;
  /** The records of all others. */
  others: () => Promise<{ worker: string; versionstamp: string }[]>;
};

/** Answers how many live, this one among them. One that was never seen to move may have been dead for days. */
export function createRoster({ clock, renew, others }: Deps): () => Promise<number> {
  let seen = new Map<string, Seen>();

  return async () => {
    await renew();
    const now = clock.elapsed();
    seen = new Map((await others()).map(({ worker, versionstamp }) => [worker, look(worker, versionstamp, now)]));
    return 1 + seen.values().filter(({ since, hasMoved }) => hasMoved && now - since < LAPSE).toArray().length;
  };

  function look(worker: string, versionstamp: string, since: number): Seen {
    const before = seen.get(worker);
    if (before?.versionstamp === versionstamp) return before;
    return { versionstamp, since, hasMoved: before !== undefined };
  }
}
