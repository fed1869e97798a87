/** How long a watch rests, milliseconds: always with jitter, so that many clients do not ask at once. */

/** While it polls: the first rest, which doubles while nothing changes, and the longest. */
const POLL = 60_000, LONGEST = 15 * 60_000;

/** While it is pushed to: what a push service has lost is found all the same. */
const SAFETY = 3_600_000;

/** After a look that failed: the first rest; a server may ask for a longer one, up to a day. */
const AGAIN = 5_000, LONGEST_ASKED = 86_400_000;

/** Milliseconds: a server that grants less than this to a registration is not asked more often. */
const SHORTEST = 60_000;

const jitter = (milliseconds: number, random: () => number) => Math.round(milliseconds * (0.75 + random() / 2));

/** `quiet` is the number of looks that found nothing. */
export function whilePolling(quiet: number, random: () => number): number {
  return jitter(Math.min(LONGEST, POLL * 2 ** Math.min(quiet, 10)), random);
}

/** `misses` is the number of looks that failed, from 1. */
export function afterFault(misses: number, asked: number | undefined, random: () => number): number {
  const own = jitter(Math.min(LONGEST, AGAIN * 2 ** Math.min(misses - 1, 10)), random);
  return Math.max(own, Math.min(LONGEST_ASKED, asked ?? 0));
}

/** `renewal` is the time until a registration is renewed, or may be tried again. */
export function whilePushed(renewal: number, random: () => number): number {
  return Math.max(jitter(SHORTEST, random), Math.min(renewal, jitter(SAFETY, random)));
}
