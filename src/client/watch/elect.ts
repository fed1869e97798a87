/** Electing one of many pages: whoever holds a lock leads, as long as it is heard. */

export type Locks = {
  request: (
    name: string,
    options: { signal: AbortSignal } | { steal: true },
    run: () => Promise<void>,
  ) => Promise<void>;
};

/** Milliseconds between two signs of life: browsers wake a hidden page once a minute. */
const BEAT = 60_000;

/**
 * How often one is missed, in one to two times that, until the lock is taken away: a page that is frozen keeps it, and says
 * nothing.
 */
const MISSED = 3;

type Deps = {
  locks: Locks;
  name: string;
  wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  random: () => number;
  signal: AbortSignal;
  /** Leads until the signal aborts. */
  lead: (signal: AbortSignal) => Promise<void>;
  /** Says that it does. */
  beat: () => void;
};

export function createElection({ locks, name, wait, random, signal, lead, beat }: Deps) {
  let missed = 0;

  /** Waits for the lock or takes it away, and leads; answers whether whoever has it is silent. */
  async function take(isStolen: boolean): Promise<boolean> {
    const over = new AbortController(), any = AbortSignal.any([signal, over.signal]);
    let leading: Promise<void> | undefined, isSilent = false;
    const run = () => leading = lead(any);

    // Counted, not timed: after a sleep of the machine all are late.
    async function listen(): Promise<void> {
      for (missed = 0; !any.aborted;) {
        // Of many that listen one comes first, and is heard by the others.
        await wait(leading ? BEAT : BEAT * (1 + random()), any);
        if (any.aborted) return;
        if (leading) beat();
        else if (++missed >= MISSED) isSilent = true, over.abort();
      }
    }

    const listening = listen();
    try {
      await locks.request(name, isStolen ? { steal: true } : { signal: any }, run);
    } catch {
      // Where a page may not have locks, as in a sandbox, it leads by itself.
      if (!leading && !any.aborted) await run();
    }
    over.abort();
    await Promise.all([leading, listening]);
    return isSilent;
  }

  async function run(): Promise<void> {
    for (let isSilent = false; !signal.aborted;) isSilent = await take(isSilent);
  }

  return {
    /** Whoever leads was heard. */
    heard: () => void (missed = 0),
    /** Resolves when the signal aborts. */
    running: run(),
  };
}
