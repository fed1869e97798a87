/**
 * Which workers live, told by the order of the database's commits: whoever wrote after something that this worker wrote a
 * while ago has lived since then. So no wall clock is asked, and nobody must have been watched.
 */
import type { Clock } from "../clock.ts";
import { LAPSE, RENEW } from "./deliver/lease.ts";

/** Milliseconds in which each worker that lives writes its record, whatever it has to do. */
const SURE_AFTER = 2 * RENEW;

/** Milliseconds until it is looked again, while this worker itself is too young to know. */
const AGAIN = 1_000;

/** Milliseconds between two writes that are remembered. */
const APART = 1_000;

type Deps = {
  clock: Clock;
  /** Shows that this worker lives. */
  renew: () => Promise<void>;
  /** The records of all others. */
  others: () => Promise<{ worker: string; versionstamp: string }[]>;
};

export function createLiving({ clock, renew, others }: Deps) {
  /** When this worker wrote, from the last time that is a lapse ago, or its first. */
  const written: { versionstamp: string; at: number }[] = [];

  /** To be called with each version of this worker's own record. */
  function wrote(versionstamp: string): void {
    const at = clock.elapsed();
    if (written.length > 0 && at - written.at(-1)!.at < APART) return;
    written.push({ versionstamp, at });
    while (written.length > 1 && at - written[1]!.at >= LAPSE) written.shift();
  }

  /** The other workers that live. One that has just started waits until each has written, or should have. */
  async function living(): Promise<Set<string>> {
    if (written.length === 0) await renew();
    for (;;) {
      const all = await others(), since = written[0];
      const moved = all.filter(({ versionstamp }) => since !== undefined && versionstamp > since.versionstamp);
      const isSure = since !== undefined && clock.elapsed() - since.at >= SURE_AFTER;
      if (isSure || moved.length === all.length) return new Set(moved.map(({ worker }) => worker));
      await clock.wait(AGAIN);
    }
  }

  return { wrote, living };
}
