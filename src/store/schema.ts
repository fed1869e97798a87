/**
 * The version of what a database holds. A worker brings an older database up to its own version, and refuses a newer one.
 * Records carry versions of their own; this one counts what no reader could do alone: keys that moved, values that changed.
 */
import { withDeadline } from "./deadline.ts";
import { StoreError, unreadable } from "./store_error.ts";

const KEY = ["schema"];

/**
 * Brings a database from one version to the next. Several workers may run it at once, and it may be cut off anywhere and
 * begun again: it checks the version of what it reads, and passes what it has done already.
 */
export type Migration = (kv: Deno.Kv) => Promise<void>;

/** In their order: the first leads from version 0, which is a new database, or one from before there was a version. */
const MIGRATIONS: Migration[] = [
  // Nothing but the version itself: all shapes are as they were.
  () => Promise.resolve(),
];

/** What stands in the database: `version` is 0 where nothing does. */
type Stored = { version: number; versionstamp: string | null };

/** Throws `StoreError` for a database that a newer worker wrote, and what KV throws. Writes nothing. */
export async function checkSchema(kv: Deno.Kv, migrations = MIGRATIONS): Promise<void> {
  toStored(await kv.get(KEY), migrations);
}

function toStored({ value, versionstamp }: Deno.KvEntryMaybe<unknown>, migrations: Migration[]): Stored {
  const version = versionstamp === null ? 0 : value;
  if (!isVersion(version)) throw unreadable(KEY);
  if (version > migrations.length) throw newer(version, migrations.length);
  return { version, versionstamp };
}

/**
 * Takes one step after the other until the database is as this worker needs it. Of workers that start together each step
 * is written down by one. Throws `StoreError`, `kv_failed` or `kv_timeout`; whoever starts next goes on.
 */
export async function migrate(kv: Deno.Kv, migrations = MIGRATIONS): Promise<void> {
  while (true) {
    const entry = await withDeadline("reading the schema version", kv.get(KEY));
    const { version, versionstamp } = toStored(entry, migrations);
    const step = migrations[version];
    if (!step) return;
    await step(kv);
    // Where the check fails, another worker has written the same: what stands there is read again.
    const atomic = kv.atomic().check({ key: KEY, versionstamp }).set(KEY, version + 1);
    await withDeadline("writing the schema version", atomic.commit());
  }
}

function isVersion(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number >= 0;
}

function newer(version: number, known: number): StoreError {
  return new StoreError(
    `The database was written by a newer Carillon: its schema version is ${version}, this one knows ${known}.`,
    "Start the Carillon that wrote it, or a newer one, or set CARILLON_KV to another database. Nothing was changed.",
  );
}
