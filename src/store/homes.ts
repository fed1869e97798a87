/** Homes that are polled, each by one worker at a time: what was seen there last, and whose turn it is. */
import { shortHash } from "../model/short_hash.ts";
import { withDeadline } from "./deadline.ts";
import { decodeRecord, encodeRecord, MAX_RECORD_BYTES } from "./record.ts";
import type { Unread } from "./set_aside.ts";
import { members, number, optional, type Shape, text } from "./shape.ts";

/**
 * `until`: nobody is subscribed to anything in it afterwards, milliseconds since 1970. `states`: what was seen of each
 * collection, by its path. `interval`: milliseconds between two looks.
 */
export type Home = {
  path: string;
  until: number;
  holder?: string;
  interval?: number;
  states?: Record<string, string>;
};

export type StoredHome = { home: Home; versionstamp: string };

const HOME = "home";
const keyOf = (path: string) => [HOME, shortHash(path)];

const states: Shape<Record<string, string>> = (value): value is Record<string, string> =>
  typeof value === "object" && value !== null && Object.values(value).every(text);
const shape = members<Home>({
  path: text,
  until: number,
  holder: optional(text),
  interval: optional(number),
  states: optional(states),
});

/** What stands there: a home, nothing, or what cannot be read. */
export async function readHome(kv: Deno.Kv, path: string): Promise<StoredHome | "unread" | undefined> {
  const key = keyOf(path), entry = await withDeadline("reading a home", kv.get(key));
  return entry.versionstamp === null ? undefined : toStored({ ...entry, key }) ?? "unread";
}

/** At most `limit` of them; calls `unread` with what is none. */
export async function listHomes(kv: Deno.Kv, limit: number, unread: Unread): Promise<StoredHome[]> {
  const entries = await withDeadline(
    "listing homes",
    Array.fromAsync(kv.list({ prefix: [HOME] }, { limit, batchSize: 100 })),
  );
  return entries.flatMap((entry) => toStored(entry) ?? (unread(entry.key), []));
}

/** A home under another one's key would be written elsewhere. */
function toStored({ key, value, versionstamp }: Deno.KvEntryMaybe<unknown>): StoredHome | undefined {
  const home = decodeRecord(value, shape);
  return home && versionstamp !== null && key[1] === keyOf(home.path)[1] ? { home, versionstamp } : undefined;
}

/** Answers the new versionstamp; undefined when somebody else wrote meanwhile. Of too many collections nothing is kept. */
export async function writeHome(kv: Deno.Kv, home: Home, versionstamp: string | null): Promise<string | undefined> {
  const whole = encodeRecord(home), key = keyOf(home.path);
  const value = whole.byteLength <= MAX_RECORD_BYTES ? whole : encodeRecord({ ...home, states: undefined });
  const result = await withDeadline(
    "writing a home",
    kv.atomic().check({ key, versionstamp }).set(key, value).commit(),
  );
  return result.ok ? result.versionstamp : undefined;
}

export async function forgetHome(kv: Deno.Kv, { home: { path }, versionstamp }: StoredHome): Promise<void> {
  const key = keyOf(path);
  await withDeadline("forgetting a home", kv.atomic().check({ key, versionstamp }).delete(key).commit());
}
