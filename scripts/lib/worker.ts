/** A worker in a process of its own, on a free port. */
import { type Running, startProcess, surroundings } from "./process.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** Starts one with these settings alone. `prefix` is put before the command, such as a shell that sets limits. */
export async function startWorker(
  settings: Record<string, string>,
  prefix: string[] = [],
): Promise<Running & { url: string }> {
  const [program, ...args] = [...prefix, Deno.execPath(), "run", "-A", "main.ts"];
  const running = startProcess(program!, {
    args,
    cwd: ROOT,
    clearEnv: true,
    env: { ...surroundings(), PORT: "0", NO_COLOR: "1", ...settings },
  });
  try {
    const [, url] = await running.until(/Carillon listens on (\S+)\n/);
    return { ...running, url: url! };
  } catch (thrown) {
    await running.end();
    throw thrown;
  }
}
