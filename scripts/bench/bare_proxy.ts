/** The least that a proxy can be, in a process of its own: what it reaches is the ceiling of ours. */
import { join } from "node:path";
import { startProcess } from "../lib/process.ts";

const SCRIPT = join(import.meta.dirname!, "bare_proxy_server.ts");

export async function startBareProxy(upstream: string): Promise<{ url: string } & AsyncDisposable> {
  const running = startProcess(Deno.execPath(), { args: ["run", "-A", SCRIPT, new URL(upstream).port] });
  const [, port] = await running.until(/listens on (\d+)/);
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: running[Symbol.asyncDispose] };
}
