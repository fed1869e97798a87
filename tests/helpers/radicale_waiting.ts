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

/** Resolves when a file's text (empty while it is absent) satisfies the condition. */
export async function untilFile(path: string, condition: (text: string) => boolean): Promise<string> {
  const read = () => Deno.readTextFile(path).catch(() => "");
  const folder = path.slice(0, path.lastIndexOf("/"));
  using watcher = Deno.watchFs(folder, { recursive: false });
  let text = await read();
  const waiting = createWaiting(() => `${path}: ${text.slice(-500)}`);
  const watching = (async () => {
    for await (const _ of watcher) {
      text = await read();
      waiting.notify();
    }
  })();
  try {
    return await waiting.until(() => condition(text) && { text }).then((seen) => seen.text);
  } finally {
    watcher.close();
    await watching;
  }
}
