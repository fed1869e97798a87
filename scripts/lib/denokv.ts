/** A real denokv in a process of its own: one database that several workers share. */
import { findDenokv } from "./denokv_install.ts";
import { type Running, startProcess } from "./process.ts";

/** An address of this machine. By 127.0.0.1 larger commits wait 40 ms for an acknowledgement of TCP: `docs/scaling.md`. */
const HOST = Deno.env.get("CARILLON_DENOKV_HOST") ?? "127.0.0.1";

/** What its clients must have in `DENO_KV_ACCESS_TOKEN`; it listens on this machine alone. */
export const DENOKV_TOKEN = "a-token-of-this-machine-alone";

export type Denokv = Running & { url: string; port: number };

/** `path` is its SQLite file. Writes of many clients are gathered for two milliseconds. */
export async function launchDenokv(path: string, port = 0): Promise<Denokv> {
  const serve = ["serve", "--access-token", DENOKV_TOKEN, "--addr", `${HOST}:${port}`];
  const batches = ["--num-workers", "4", "--atomic-write-batch-timeout-ms", "2"];
  const args = ["--sqlite-path", path, ...serve, ...batches];
  const running = startProcess(await findDenokv(), { args, env: { RUST_LOG: "info" } });
  try {
    const [, got] = await running.until(/Listening on http:\/\/\S+:(\d+)/);
    return { ...running, url: `http://${HOST}:${got}`, port: Number(got) };
  } catch (thrown) {
    await running.end();
    throw thrown;
  }
}
