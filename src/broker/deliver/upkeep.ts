/** What a shard does once a second: tries what is due, takes in what pages handed back, writes down how far it got. */
import { causeOf } from "../../errors.ts";
import { createDue } from "./due.ts";
import { createInitials } from "./initial.ts";
import { createPaged } from "./paged.ts";
import type { Shard } from "./shard.ts";
import type { Window } from "./window.ts";

/** Milliseconds: initial pushes, and what was handed back, are looked for so often, for another worker may write them. */
const LOOK = 5_000;

export type Upkeep = ReturnType<typeof createUpkeep>;

/** `schedule` is called for each window that may go on. */
export function createUpkeep(shard: Shard, schedule: (window: Window) => void) {
  const { clock, log } = shard.deps;
  const running = new Map<string, Promise<void>>();
  const due = createDue(shard);
  const initials = createInitials(shard);
  const paged = createPaged(shard, (hash) => schedule(shard.windows.get(hash)!));
  let initialsAt = -Infinity, handbacksAt = -Infinity;

  /** One of each kind at a time. A fault is logged; the next second tries again. */
  function once(kind: string, run: () => Promise<void>): void {
    if (running.has(kind) || shard.stopping.aborted) return;
    const failed = (thrown: unknown) => {
      if (shard.lost.aborted) return;
      log.warning("a shard's {kind} failed: {code}", { kind, ...causeOf(thrown) });
    };
    running.set(kind, run().catch(failed).finally(() => running.delete(kind)));
  }

  function tick(): void {
    shard.forget();
    if (shard.retries.nextDue() <= clock.now()) once("retries", due.run);
    if (initialsAt <= clock.elapsed()) pushInitials();
    const isPaged = shard.windows.values().some((window) => window.paged === "written");
    if (isPaged || handbacksAt <= clock.elapsed()) takeInPages();
  }

  function pushInitials(): void {
    initialsAt = clock.elapsed() + LOOK;
    once("initial pushes", async () => {
      if (await initials.run()) initialsAt = -Infinity;
    });
  }

  function takeInPages(): void {
    handbacksAt = clock.elapsed() + LOOK;
    once("handbacks", async () => {
      await paged.takeIn();
      await paged.end();
    });
  }

  /** Finds what the owner before left. */
  async function begin(): Promise<void> {
    await paged.find();
    await paged.takeIn();
  }

  return {
    begin,
    tick,
    pushInitials,
    /** Resolves when nothing of it is under way. */
    settled: async () => {
      await Promise.all(running.values());
      await Promise.all([due.settled(), initials.settled()]);
    },
  };
}
