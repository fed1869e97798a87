/** Waiting for what another program does: looks again after each sign of it, gives up at a deadline, never sleeps. */
export function createWaiting(describe: () => string) {
  let changed = Promise.withResolvers<void>();

  function notify(): void {
    changed.resolve();
    changed = Promise.withResolvers();
  }

  /** Resolves with the first value that is not undefined or false; throws at the deadline with what `describe` says. */
  async function until<T>(look: () => T | undefined | false, milliseconds = 15_000): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`not in ${milliseconds} ms: ${describe()}`)), milliseconds);
    try {
      while (true) {
        const seen = look();
        if (seen !== undefined && seen !== false) return seen;
        await Promise.race([changed.promise, late.promise]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  return { notify, until };
}
