/** A folder with the database of a real worker. */
import { localIssuerOf, type MainProcess, startMain } from "./main_process.ts";

export type Place = Awaited<ReturnType<typeof makePlace>>;

/** `start` starts the worker, `env` are the settings that it and the commands beside it share. */
export async function makePlace(more: Record<string, string> = {}) {
  const folder = await Deno.makeTempDir({ prefix: "carillon-" });
  const path = `${folder}/carillon.sqlite3`;
  const env = { CARILLON_KV: path, ...more };

  async function start(port = "0") {
    const main: MainProcess = await startMain({ ...env, PORT: port });
    return { ...main, port: new URL(main.url).port, env: { ...env, PORT: new URL(main.url).port } };
  }

  return {
    folder,
    path,
    env,
    start,
    localIssuer: () => localIssuerOf(path),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
