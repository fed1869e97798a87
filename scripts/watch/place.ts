/** Where a watch keeps its receiver over a restart: a file of the user's alone. */
import { z } from "zod";
import type { Kept } from "../../src/client/mod.ts";
import { Refusal } from "../lib/command.ts";

const kept = z.object({
  subscription: z.url(),
  endpoint: z.url(),
  keys: z.object({ privateKey: z.record(z.string(), z.string()), auth: z.string() }),
  last: z.object({ id: z.string(), urgency: z.enum(["very-low", "low", "normal", "high"]) }).optional(),
  vapidKey: z.string(),
});

export type Place = {
  /** Undefined where there is none, or none that can be read: then a new one is made. */
  read: () => Kept | undefined;
  write: (kept: Kept) => void;
  remove: () => void;
  [Symbol.dispose]: () => void;
};

/** Opens the place of a `name`, for one process at a time. Throws `Refusal`. */
export async function openPlace(folder: string, name: string, note: (line: string) => void): Promise<Place> {
  const path = `${folder}/watch-${await hash(name)}`, file = `${path}.json`;
  const lock = await openLock(folder, `${path}.lock`);
  let isTold = false;

  /** A watch goes on without: after a restart it subscribes anew. */
  function write(value: Kept): void {
    try {
      Deno.writeTextFileSync(`${file}.new`, JSON.stringify(value), { mode: 0o600 });
      Deno.renameSync(`${file}.new`, file);
    } catch {
      if (!isTold) note(`warning: nothing can be kept in ${folder}: make it writable, and see that the disk has room`);
      isTold = true;
    }
  }

  return {
    read: () => readKept(file),
    write,
    remove: () => void tryTo(() => Deno.removeSync(file)),
    [Symbol.dispose]: () => lock.close(),
  };
}

async function openLock(folder: string, path: string): Promise<Deno.FsFile> {
  const lock = await Deno.mkdir(folder, { recursive: true, mode: 0o700 })
    .then(() => Deno.open(path, { create: true, write: true, mode: 0o600 })).catch(() => {
      throw new Refusal(`nothing can be kept in ${folder}: make it writable, or set XDG_STATE_HOME`);
    });
  if (await lock.tryLock(true)) return lock;
  lock.close();
  throw new Refusal("another process watches this address already: end that first");
}

function readKept(file: string): Kept | undefined {
  const text = tryTo(() => Deno.readTextFileSync(file)), json = text && tryTo(() => JSON.parse(text));
  return kept.safeParse(json).data as Kept | undefined;
}

function tryTo<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}

/** Short, and it tells nobody who reads the folder's list what is watched. */
async function hash(name: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(name));
  return new Uint8Array(digest).toHex().slice(0, 16);
}

/** XDG Base Directory Specification. Throws `Refusal` where there is no home. */
export function stateFolder({ XDG_STATE_HOME: state, HOME: home }: Record<string, string>): string {
  if (state?.startsWith("/")) return `${state}/carillon`;
  if (home) return `${home}/.local/state/carillon`;
  throw new Refusal("there is no place to keep anything: set XDG_STATE_HOME, or HOME");
}
