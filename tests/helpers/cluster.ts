/** Several real workers on one database, as the isolates of a cell are, which can be killed one by one. */
import { ADMISSION } from "./database_server.ts";
import { localIssuerOf, type MainProcess, startMain } from "./main_process.ts";

export const ADMIN_TOKEN = "admin-token-of-the-tests";

/** Milliseconds that a client waits for an answer: longer than a worker waits for its database. */
const PATIENCE = 12_000;

const BROKEN = /"code":"internal"|Uncaught|panicked/;

export type Cluster = Awaited<ReturnType<typeof openCluster>>;

/** Starts one worker for each of these databases, which may be one by several ways; `await using` kills them. */
export async function openCluster(databases: string[], env: Record<string, string> = {}) {
  const shared = { CARILLON_ADMIN_TOKEN: ADMIN_TOKEN, ...ADMISSION, ...env };
  const all: MainProcess[] = [];
  const workers = await Promise.all(databases.map(start));
  const live = new Set(workers);
  const starting = new Set<Promise<void>>();
  const local = await localIssuerOf(databases.at(-1)!);

  async function start(database: string): Promise<MainProcess> {
    const worker = await startMain({ ...shared, CARILLON_KV: database });
    all.push(worker);
    return worker;
  }

  /** Kills one, and starts another in its place; resolves when the first is dead. */
  async function replace(worker: MainProcess): Promise<void> {
    live.delete(worker);
    await worker.end("SIGKILL");
    const started = add().then(() => {}).finally(() => starting.delete(started));
    starting.add(started);
  }

  /** Starts one more, which owns nothing while the others live. */
  async function add(): Promise<MainProcess> {
    const worker = await start(databases[0]!);
    live.add(worker);
    return worker;
  }

  /** Tells one to leave, and resolves when it has. */
  async function leave(worker: MainProcess): Promise<void> {
    live.delete(worker);
    await worker.end("SIGTERM");
  }

  /** One of those that live. */
  function any(random: () => number = Math.random): MainProcess {
    return [...live][Math.floor(random() * live.size)]!;
  }

  return {
    live,
    /** In the order of the databases, as they were started first. */
    workers,
    any,
    replace,
    add,
    leave,
    /** Resolves when one that is being started has started, and when all of them have. */
    oneMore: () => Promise.race(starting),
    settled: () => Promise.all(starting),
    /** What no worker may ever say, whatever happens to it: something of ours broke. */
    broken: () => all.flatMap(({ log }) => log.err.split("\n").filter((line) => BROKEN.test(line))),
    local,
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled([...starting]);
      for (const worker of live) await worker.end("SIGKILL");
    },
  };
}

/** Asks a worker, and answers the status; undefined where the connection broke, or nothing came in time. */
export async function statusOf(url: string, init: RequestInit = {}): Promise<number | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE), ...init });
    await response.body?.cancel();
    return response.status;
  } catch {
    return undefined;
  }
}

export const readiness = (worker: MainProcess) => statusOf(`${worker.url}/-/ready`);

/** The value of one of a worker's metrics. */
export async function metricOf(worker: MainProcess, name: string): Promise<number> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const text = await (await fetch(`${worker.url}/-/metrics`, { headers })).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
}
