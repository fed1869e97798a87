/** write_loop.c: a bare loop of `write`, which no server can be faster than that joins nothing. */
import { join } from "node:path";
import { freePort, listening } from "../lib/free_port.ts";
import { compile } from "./compile.ts";
import { withFiles } from "./files_limit.ts";
import { CACHE } from "./paths.ts";

const PROGRAM = join(CACHE, "write_loop");

export type WriteLoop = { port: number; pid: number } & AsyncDisposable;

/** Compiles and starts it; `await using` ends it. */
export async function startWriteLoop(): Promise<WriteLoop> {
  await compile("write_loop.c", PROGRAM);
  const port = freePort(), child = withFiles(PROGRAM, [`${port}`]).spawn();
  await listening(port, "the loop of writes");
  return { port, pid: child.pid, [Symbol.asyncDispose]: stop };

  async function stop(): Promise<void> {
    child.kill("SIGTERM");
    await child.status;
  }
}
