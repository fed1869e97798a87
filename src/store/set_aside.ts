/** Telling of what is set aside: a record that cannot be read is left as it is, named by its key, and stops nothing else. */
import type { Logger } from "@logtape/logtape";
import type { Metrics } from "../metrics.ts";

/** Called with the key of something that cannot be read. */
export type Unread = (key: Deno.KvKey) => void;

type Deps = { log: Logger; metrics: Metrics };

/** Keys that one worker remembers; what comes beyond is counted alone. */
const MAX_TOLD = 10_000;

/** Characters of a key that are logged. */
const MAX_KEY = 300;

/** What each worker has told of. */
const toldBy = new WeakMap<Metrics, Set<string>>();

/** Counts that a record was met and left alone, and logs its key once. Our keys hold no secret, and no push address. */
export function setAside({ log, metrics }: Deps, kind: string, key: Deno.KvKey): void {
  metrics.recordsSetAside.inc({ kind });
  const told = toldBy.get(metrics) ?? new Set();
  const text = printKey(key);
  if (told.has(text) || told.size >= MAX_TOLD) return;
  toldBy.set(metrics, told.add(text));
  log.error("a {kind} that cannot be read was set aside: {key}", { kind, key: text });
}

export function printKey(key: Deno.KvKey): string {
  const parts = key.map((part) => part instanceof Uint8Array ? part.toHex() : part);
  return JSON.stringify(parts, (_, part) => typeof part === "bigint" ? `${part}n` : part).slice(0, MAX_KEY);
}
