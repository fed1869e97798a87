/** Several workers on one denokv, without a front: each bench says which of them it asks. */
import { join } from "node:path";
import { type Denokv, DENOKV_TOKEN, launchDenokv } from "../lib/denokv.ts";
import { freePort } from "../lib/free_port.ts";
import { readMetrics } from "./metrics.ts";
import { freshFolder } from "./paths.ts";
import { watchCores } from "./process_usage.ts";
import { type BenchWorker, launchWorker, prepare } from "./worker.ts";

/** The address that all of them have in public: what is signed is for it. */
const PUBLIC_URL = "http://cell.localhost";

const ADMIN = "an-admin-of-the-bench-alone";

export type Cell = AsyncDisposable & { workers: BenchWorker[]; denokv: Denokv };

type Options = {
  env?: Record<string, string>;
  /** Fills the database before anybody opens it. */
  fill?: (kv: Deno.Kv) => Promise<void>;
  /** The folder of a database that is filled already; it is copied. */
  from?: string;
};

/** Starts them; `await using` ends all and removes the database. */
export async function startCell(count: number, { env = {}, fill, from }: Options = {}): Promise<Cell> {
  await using things = new AsyncDisposableStack();
  const folder = await freshFolder("cell"), file = join(folder, "kv.sqlite3");
  things.defer(() => Deno.remove(folder, { recursive: true }));
  if (from) await copyFiles(from, folder);
  const local = await prepare(file, fill);
  const denokv = things.use(await launchDenokv(file));
  const settings = {
    CARILLON_KV: denokv.url,
    DENO_KV_ACCESS_TOKEN: DENOKV_TOKEN,
    CARILLON_URL: PUBLIC_URL,
    CARILLON_ADMIN_TOKEN: ADMIN,
    ...env,
  };
  const workers: BenchWorker[] = [];
  while (workers.length < count) {
    const port = freePort(), launched = things.use(await launchWorker({ ...settings, PORT: `${port}` }));
    workers.push({ ...launched, port, local });
  }
  const all = things.move();
  return { workers, denokv, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

async function copyFiles(from: string, to: string): Promise<void> {
  for await (const { name } of Deno.readDir(from)) await Deno.copyFile(join(from, name), join(to, name));
}

/** One figure of each worker. */
export async function metricOf(workers: BenchWorker[], name: string): Promise<number[]> {
  return await Promise.all(
    workers.map(async ({ port }) => (await readMetrics(`http://127.0.0.1:${port}`, ADMIN))(name)),
  );
}

export function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Cores of each worker, in the middle; of denokv, and of all together. */
export type CellCores = { worker: number; denokv: number; cell: number };

/** Starts to count; the answer says how many since then. */
export function watchCell({ workers, denokv }: Cell): () => CellCores {
  const cores = watchCores(...workers.map(({ pid }) => pid), denokv.pid);
  return () => {
    const all = cores(), own = all.slice(0, -1);
    return { worker: sum(own) / own.length, denokv: all.at(-1)!, cell: sum(all) };
  };
}
