/** A denokv of the tests: it can be killed, and started again on the same port and file. */
import { type Denokv, DENOKV_TOKEN, launchDenokv } from "../../scripts/lib/denokv.ts";

export type DatabaseServer = Awaited<ReturnType<typeof openDatabaseServer>>;

/** What a process needs to be let in. */
export const ADMISSION = { DENO_KV_ACCESS_TOKEN: DENOKV_TOKEN };

/** Lets this process in as well, which reads keys and counts. */
export const enter = () => Deno.env.set("DENO_KV_ACCESS_TOKEN", DENOKV_TOKEN);

/** Starts one on a free port, its file in `folder` or in a folder of its own. */
export async function openDatabaseServer(folder?: string) {
  enter();
  const own = folder ?? await Deno.makeTempDir({ prefix: "carillon-" });
  const path = `${own}/denokv.sqlite3`;
  let running: Denokv = await launchDenokv(path);
  const { url, port } = running;

  return {
    url,
    path,
    kill: async () => void await running.end("SIGKILL"),
    start: async () => void (running = await launchDenokv(path, port)),
    [Symbol.asyncDispose]: async () => {
      await running.end("SIGKILL");
      if (folder === undefined) await Deno.remove(own, { recursive: true });
    },
  };
}
