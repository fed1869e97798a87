/** Time as an argument: tests bring a clock of their own. */
export type Clock = {
  /** Milliseconds since 1970. */
  now: () => number;
  /** Milliseconds since some moment: unlike `now` it never jumps, so that it can tell how long something took. */
  elapsed: () => number;
  /** Resolves after so many milliseconds, or at once when the signal aborts. */
  wait: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
};

export const systemClock: Clock = { now: () => Date.now(), elapsed: () => performance.now(), wait: waitFor };

function waitFor(milliseconds: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal?.aborted) return Promise.resolve();
  const timer = setTimeout(resolve, milliseconds);
  const aborted = () => resolve();
  signal?.addEventListener("abort", aborted);
  return promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", aborted);
  });
}
