/** The worker's database, opened beside it. A command never makes one: its keys would be nobody's. */
import type { Config } from "../../src/config.ts";
import { openStore } from "../../src/store/open.ts";
import { readSettings } from "./address.ts";
import { Refusal } from "./command.ts";

/** Runs something with the database. `elsewhere` says what to give on a machine without it. Throws `Refusal`. */
export async function withDatabase<T>(
  elsewhere: string,
  run: (kv: Deno.Kv, config: Config) => Promise<T>,
): Promise<T> {
  const config = readSettings();
  await checkExists(config.kv, elsewhere);
  const kv = await openStore(config.kv);
  try {
    return await run(kv, config);
  } finally {
    kv.close();
  }
}

async function checkExists(path: string, elsewhere: string): Promise<void> {
  if (/^https?:/.test(path)) return;
  if (path === ":memory:") {
    throw new Refusal(`CARILLON_KV is :memory:, which only the worker itself can read: ${elsewhere}, or name a file`);
  }
  const found = await Deno.stat(path).catch(() => undefined);
  if (found?.isFile) return;
  throw new Refusal(`there is no database yet at ${path}: start the worker first (deno task start), or ${elsewhere}`);
}
