/**
 * Ephemeral key pairs made ahead in idle moments, so that a burst does not pay for them. Each is given out once; a pair
 * that no runtime quirk spoils costs about 60 us.
 */
import type { Ephemeral } from "../wire/message_encryption.ts";

/** Pairs that are kept, and that one tick makes at most: about 15 ms of every second. */
export const POOL = 2_000;
export const STEP = 250;

export type MakeEphemeral = () => Promise<Ephemeral | undefined>;

/** `make` answers undefined, or rejects, where the runtime cannot make them: it is not asked again. */
export function createEphemeralKeys(make: MakeEphemeral) {
  const ready: Ephemeral[] = [];
  let taken = 0, isUnfit = false, isClosed = false;
  let filling: Promise<void> | undefined;

  /** A pair that nobody had before; undefined where the runtime cannot make them. */
  async function take(): Promise<Ephemeral | undefined> {
    taken++;
    return ready.pop() ?? await makeOne();
  }

  async function makeOne(): Promise<Ephemeral | undefined> {
    if (isUnfit) return undefined;
    const pair = await make().catch(() => undefined);
    isUnfit = pair === undefined;
    return pair;
  }

  /** One after the other, each in a turn of its own; whoever takes one ends it, since that moment is not idle. */
  async function fill(): Promise<void> {
    const before = taken;
    for (let made = 0; made < STEP && ready.length < POOL && taken === before && !isClosed; made++) {
      const pair = await makeOne();
      if (!pair) break;
      ready.push(pair);
    }
  }

  return {
    take,
    /** To be called every second or so. */
    tick: () => void (filling ??= fill().finally(() => void (filling = undefined))),
    /** Pairs that are ready, for a gauge. */
    ready: (): number => ready.length,
    /** Resolves when nothing is made any more. */
    close: async (): Promise<void> => {
      isClosed = true;
      await filling;
    },
  };
}
