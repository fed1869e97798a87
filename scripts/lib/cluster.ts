/** Several workers on one denokv, behind one nginx, on this machine. */
import { type Denokv, DENOKV_TOKEN, launchDenokv } from "./denokv.ts";
import { freePort } from "./free_port.ts";
import { type Front, planFront } from "./front.ts";
import type { Running } from "./process.ts";
import { startWorker } from "./worker.ts";

export type Member = Running & { url: string };

/** `env` is what one more worker must have. */
export type Cluster = AsyncDisposable & {
  url: string;
  env: Record<string, string>;
  denokv: Denokv;
  front: Front;
  workers: Member[];
};

/** A worker of the cluster, at an address of its own beside the public one. */
export async function startMember(env: Record<string, string>): Promise<Member> {
  const port = freePort(), running = await startWorker({ ...env, PORT: `${port}` });
  return { ...running, url: `http://127.0.0.1:${port}` };
}

/** Everything is kept in `folder`. Ended together, the workers first. */
export async function startCluster(
  folder: string,
  count: number,
  settings: Record<string, string> = {},
): Promise<Cluster> {
  const things = new AsyncDisposableStack();
  try {
    const denokv = things.use(await launchDenokv(`${folder}/carillon.sqlite3`));
    const planned = planFront(`${folder}/nginx`);
    const env = {
      CARILLON_KV: denokv.url,
      DENO_KV_ACCESS_TOKEN: DENOKV_TOKEN,
      CARILLON_URL: planned.url,
      CARILLON_LOG: "warning",
      ...settings,
    };
    const start = async () => things.use(await startMember(env));
    const workers = await Promise.all(Array.from({ length: count }, start));
    const front = things.use(await planned.start(workers.map(({ url }) => url)));
    return { url: front.url, env, denokv, front, workers, [Symbol.asyncDispose]: () => things.disposeAsync() };
  } catch (thrown) {
    await things.disposeAsync();
    throw thrown;
  }
}
