/** A KV that is watched: tests wait until nothing is under way in it, or kill it with the process that uses it. */
import { overrideKv } from "./broker.ts";

/** Turns of the event loop in which nothing was under way: then nothing more will come by itself. */
const QUIET_TURNS = 3;

export function watchKv(database: Deno.Kv) {
  let pending = 0;
  let dead = false;

  async function watch<T>(call: () => Promise<T>): Promise<T> {
    if (dead) throw new Error("killed");
    pending++;
    try {
      const value = await call();
      // What was under way may have been done; nobody hears of it.
      if (dead) throw new Error("killed");
      return value;
    } finally {
      pending--;
    }
  }

  function list(...args: Parameters<Deno.Kv["list"]>) {
    const entries = database.list(...args);
    const next = entries.next.bind(entries);
    return Object.assign(entries, { next: () => watch(next) });
  }

  function atomic(): Deno.AtomicOperation {
    const operation = database.atomic();
    const commit = operation.commit.bind(operation);
    return Object.assign(operation, { commit: () => watch(commit) });
  }

  const kv = overrideKv(database, {
    list,
    atomic,
    get: (...args: Parameters<Deno.Kv["get"]>) => watch(() => database.get(...args)),
    getMany: (...args: [Deno.KvKey[]]) => watch(() => database.getMany(...args)),
    set: (...args: Parameters<Deno.Kv["set"]>) => watch(() => database.set(...args)),
    delete: (...args: Parameters<Deno.Kv["delete"]>) => watch(() => database.delete(...args)),
  });

  /** Resolves when the database has nothing to do. */
  async function idle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS;) {
      await new Promise((resolve) => setTimeout(resolve));
      quiet = pending === 0 ? quiet + 1 : 0;
    }
  }

  return { kv, idle, kill: () => void (dead = true) };
}
