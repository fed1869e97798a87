/** Opening the database: what is wrong with it is said before anything listens. */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { within } from "./deadline.ts";
import { checkSchema, migrate } from "./schema.ts";
import { StoreError } from "./store_error.ts";

/** Milliseconds. A file that another process holds locked makes `openKv` wait for ever. */
const OPEN_DEADLINE = 5_000;

/**
 * Opens a file, `:memory:` or a KV Connect address; undefined is the platform's own (Deno Deploy), and brings it up to
 * the schema version of this worker. Throws `StoreError` for a database that is locked, corrupt, unreachable, not writable
 * or newer.
 */
export async function openStore(path: string | undefined, deadline = OPEN_DEADLINE): Promise<Deno.Kv> {
  try {
    const kv = await within(deadline, openAndProbe(path), () => locked(path));
    return await orClose(kv, migrate);
  } catch (thrown) {
    throw thrown instanceof StoreError ? thrown : explain(path, thrown);
  }
}

async function openAndProbe(path: string | undefined): Promise<Deno.Kv> {
  if (path && !path.startsWith(":") && !/^https?:/.test(path)) makeFile(path);
  const kv = await Deno.openKv(path);
  return await orClose(kv, async () => {
    // Before anything is written: a newer database stays as it is.
    await checkSchema(kv);
    await probe(kv, path);
  });
}

/** Its owner's alone: keys and push addresses are in it. SQLite makes what stands beside it alike; what exists stays. */
function makeFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  closeSync(openSync(path, "a", 0o600));
}

/** The platform gives memory, to each who opens it, where no database is attached: so it is read by another way. */
async function probe(kv: Deno.Kv, path: string | undefined): Promise<void> {
  const written = await kv.set(["probe"], crypto.randomUUID());
  const again = path === undefined ? await Deno.openKv() : kv;
  const read = await again.get(["probe"]);
  if (again !== kv) again.close();
  // Another worker may have written its own meanwhile.
  if (read.versionstamp !== null && read.versionstamp >= written.versionstamp) return;
  throw new StoreError(
    `The database does not keep what is written: ${path ?? "that of this app on Deno Deploy"}`,
    "Attach a Deno KV database to this app.",
  );
}

/** A database that cannot be used is let go. */
async function orClose(kv: Deno.Kv, use: (kv: Deno.Kv) => Promise<void>): Promise<Deno.Kv> {
  try {
    await use(kv);
    return kv;
  } catch (thrown) {
    kv.close();
    throw thrown;
  }
}

function locked(path: string | undefined): StoreError {
  return new StoreError(
    `The database did not open in time: ${path}`,
    "Another process holds it locked, or its server does not answer. End that process, or set CARILLON_KV to another one.",
  );
}

function explain(path: string | undefined, thrown: unknown): StoreError {
  const reason = thrown instanceof Error ? thrown.message : "";
  if (/locked|busy/i.test(reason)) return locked(path);
  if (/not a database|malformed|corrupt/i.test(reason)) {
    return new StoreError(
      `The database is corrupt: ${path}`,
      "Restore it from a backup, or move the file and its -wal and -shm aside to begin anew. Nothing was changed.",
    );
  }
  return new StoreError(
    `The database did not open: ${path}`,
    "Check that the folder exists and is writable and the disk is not full, or that the address and DENO_KV_ACCESS_TOKEN are right.",
  );
}
