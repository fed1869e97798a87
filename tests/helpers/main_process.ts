/** The real worker: `main.ts` in a process of its own, on a file database. */
import { startWorker } from "../../scripts/lib/worker.ts";
import { type LocalIssuer, readLocalIssuer } from "../../src/store/keys.ts";

export type MainProcess = Awaited<ReturnType<typeof startMain>>;

/** Starts it and waits until it says where it listens; what is left of it at the scope's end is killed. */
export async function startMain(env: Record<string, string>, prefix: string[] = []) {
  const worker = await startWorker(env, prefix);
  return {
    ...worker,
    log: worker.output,
    hub: `${worker.url}/.well-known/mercure`,
    [Symbol.asyncDispose]: async () => void await worker.end("SIGKILL"),
  };
}

/** The local issuer of a database file, as the commands read it. */
export async function localIssuerOf(path: string): Promise<LocalIssuer> {
  const kv = await Deno.openKv(path);
  try {
    return await readLocalIssuer(kv, undefined);
  } finally {
    kv.close();
  }
}
