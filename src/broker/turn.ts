/** Giving the event loop back. */

/** `setTimeout(0)` sleeps for a millisecond or two. */
export const shortPause = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

/**
 * Gives the event loop back: sockets are polled once in about 61 turns of Deno's scheduler unless it sleeps, so fewer
 * would starve other routes; `setTimeout(0)` sleeps for 2 ms.
 */
export async function nextTurn(): Promise<void> {
  for (let turn = 0; turn < 64; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
