/** Opening the database: what is wrong with it is said before anything listens. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { within } from "./deadline.ts";

/** Milliseconds. A file that another process holds locked makes `openKv` wait for ever. */
const OPEN_DEADLINE = 5_000;

/** Why the database cannot be used, and what to do. */
export class StoreError extends Error {
  constructor(what: string, advice: string) {
    super(`${what}\n${advice}`);
    this.name = "StoreError";
  }
}

/**
 * Opens a file, `:memory:` or a KV Connect address; undefined is the platform's own (Deno Deploy). Throws `StoreError`
 * for a database that is locked, corrupt, unreachable or not writable.
 */
export async function openStore(path: string | undefined, deadline = OPEN_DEADLINE): Promise<Deno.Kv> {
  try {
    return await within(deadline, openAndProbe(path), () => locked(path));
  } catch (thrown) {
    throw thrown instanceof StoreError ? thrown : explain(path, thrown);
  }
}

async function openAndProbe(path: string | undefined): Promise<Deno.Kv> {
  if (path && !path.startsWith(":") && !/^https?:/.test(path)) mkdirSync(dirname(path), { recursive: true });
  const kv = await Deno.openKv(path);
  const written = await kv.set(["probe"], crypto.randomUUID());
  const read = await kv.get(["probe"]);
  // A later one is the probe of another worker, which starts at the same moment.
  if ((read.versionstamp ?? "") >= written.versionstamp) return kv;
  throw new StoreError(`The database does not keep what is written: ${path}`, "Attach a Deno KV database to this app.");
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
