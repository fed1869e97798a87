/** Time: how long to wait for an answer, and before trying again. */

/** A test brings its own. */
export type Pace = {
  /** Milliseconds since some moment. */
  elapsed: () => number;
  /** Resolves after so many milliseconds, or at once when the signal aborts. */
  wait: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  /** From 0 to 1. */
  random: () => number;
};

export const systemPace: Pace = { elapsed: () => performance.now(), wait, random: Math.random };

/** Milliseconds: the first wait, the longest of ours, and the longest that a push service may ask for. */
const FIRST = 500;
export const LONGEST = 30_000;
const LONGEST_ASKED = 3_600_000;

/** Doubles with each attempt that brought nothing, with jitter, never below what the push service asked for. */
export function backOff(attempt: number, asked: number, random: () => number): number {
  const ceiling = Math.min(LONGEST, Math.max(FIRST, asked) * 2 ** Math.min(attempt, 10));
  return Math.round(Math.min(LONGEST_ASKED, Math.max(asked, ceiling * (0.5 + random() / 2))));
}

/** Passes a result on. Where it takes longer than so many milliseconds `late` is called, and an error is thrown. */
export function inTime<T>(pace: Pace, milliseconds: number, late: () => void, result: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    result.then(resolve, reject).finally(() => over.abort());
    void pace.wait(milliseconds, over.signal).then(() => {
      if (over.signal.aborted) return;
      late();
      reject(new Error("it took too long"));
    });
  });
}

function wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener("abort", end);
  });
}
