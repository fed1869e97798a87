/** The worker under test: the real process, on a free port, with a database file of its own. */
import { join } from "node:path";
import manifest from "../../deno.json" with { type: "json" };
import { type LocalIssuer, readLocalIssuer } from "../../src/store/keys.ts";
import { surroundings } from "../lib/process.ts";
import { withFiles } from "./files_limit.ts";
import { freshFolder, ROOT } from "./paths.ts";

export type Launched = { url: string; port: number; pid: number } & AsyncDisposable;

export type BenchWorker = Launched & { local: LocalIssuer };

type Options = {
  env?: Record<string, string>;
  flags?: string[];
  /** Fills the database before the worker opens it. */
  fill?: (kv: Deno.Kv) => Promise<void>;
};

/** As `deno task start` has it, for whatever requests leave behind to die young. */
export const START_FLAG = /--v8-flags=\S+/.exec(manifest.tasks.start)![0];

/** Starts one and waits until it listens; `await using` ends it and removes its database. */
export async function startWorker({ env = {}, flags = [], fill }: Options = {}): Promise<BenchWorker> {
  const folder = await freshFolder("worker");
  const file = join(folder, "kv.sqlite3");
  const local = await prepare(file, fill);
  const launched = await launchWorker({ CARILLON_KV: file, ...env }, flags);
  return { ...launched, local, [Symbol.asyncDispose]: stop };

  async function stop(): Promise<void> {
    await launched[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Starts the process on a database that is there, and waits until it listens. */
export async function launchWorker(env: Record<string, string>, flags: string[] = []): Promise<Launched> {
  const child = withFiles(Deno.execPath(), ["run", "-A", START_FLAG, ...flags, ...profiling(), "main.ts"], {
    // Another working tree, to measure a change before it is made here.
    cwd: Deno.env.get("BENCH_TREE") ?? ROOT,
    clearEnv: true,
    env: { ...surroundings(), PORT: "0", CARILLON_LOG: "warning", ...env },
    stdout: "piped",
  }).spawn();
  const url = await readUrl(child);
  return { url, port: Number(new URL(url).port), pid: child.pid, [Symbol.asyncDispose]: stop };

  async function stop(): Promise<void> {
    child.kill("SIGINT");
    const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await child.status;
    clearTimeout(late);
  }
}

/** For whoever looks for what is slow: more flags, as in `BENCH_FLAGS=--v8-flags=--perf-basic-prof`. */
function profiling(): string[] {
  return Deno.env.get("BENCH_FLAGS")?.split(" ").filter(Boolean) ?? [];
}

/** The bench signs with the key that the worker will find in its database. */
export async function prepare(file: string, fill?: (kv: Deno.Kv) => Promise<void>): Promise<LocalIssuer> {
  using kv = await Deno.openKv(file);
  await fill?.(kv);
  return await readLocalIssuer(kv, undefined);
}

async function readUrl(child: Deno.ChildProcess): Promise<string> {
  let text = "";
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream()).values({ preventCancel: true })) {
    text += part;
    const url = /listens on (http:\S+)/.exec(text)?.[1];
    if (url) return url;
  }
  throw new Error(`the worker did not start: ${text}`);
}
