/** Homes that are polled, each by one worker at a time: what was seen there last, and whose turn it is. */
import { shortHash } from "../model/short_hash.ts";
import { withDeadline } from "./deadline.ts";
import { decodeRecord, encodeRecord, MAX_RECORD_BYTES } from "./record.ts";

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

export async function readHome(kv: Deno.Kv, path: string): Promise<StoredHome | undefined> {
  return toStored(await withDeadline("reading a home", kv.get(keyOf(path))));
}

/** At most `limit` of them. */
export async function listHomes(kv: Deno.Kv, limit: number): Promise<StoredHome[]> {
  const entries = kv.list({ prefix: [HOME] }, { limit, batchSize: 100 });
  return (await withDeadline("listing homes", Array.fromAsync(entries, toStored))).flatMap((home) => home ?? []);
}

function toStored({ value, versionstamp }: Deno.KvEntryMaybe<unknown>): StoredHome | undefined {
  const home = decodeRecord<Home>(value);
  return home && versionstamp !== null ? { home, versionstamp } : undefined;
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
