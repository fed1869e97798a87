/** One run of the user's command, with all that it starts. */
import { kill } from "node:process";
import type { Clock } from "../../src/client/mod.ts";

/** Milliseconds between asking it to end and killing it, and between two looks whether it has ended. */
const GRACE = 5_000, PAUSE = 100;

type How = { timeout: number; clock: Clock; signal: AbortSignal };

/** `isLate`: it was ended, since it took longer than `timeout` milliseconds. */
export type Ran = { code: number; isLate: boolean };

/** Runs it by the shell, without what is secret in our environment. When `signal` aborts it is ended. */
export async function runCommandOnce(command: string, { timeout, clock, signal }: How): Promise<Ran> {
  const child = new Deno.Command("sh", {
    args: ["-c", command],
    clearEnv: true,
    env: withoutSecrets(Deno.env.toObject()),
    // A group of its own, so that whatever it has started ends with it.
    detached: true,
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  const over = new AbortController(), ended = child.status.finally(() => over.abort());
  const any = AbortSignal.any([over.signal, signal]);
  const late = clock.wait(timeout, any).then(() => !over.signal.aborted && endGroup(child.pid, clock));
  const [{ code }, wasEnded] = await Promise.all([ended, late]);
  return { code, isLate: wasEnded && !signal.aborted };
}

/** The shell ends before what it has started, and tells nobody when that ends. */
async function endGroup(pid: number, clock: Clock): Promise<true> {
  let isThere = send(pid, "SIGTERM");
  for (let left = GRACE; isThere && left > 0; left -= PAUSE) {
    await clock.wait(PAUSE);
    isThere = send(pid, 0);
  }
  if (isThere) send(pid, "SIGKILL");
  return true;
}

/** Sends a signal, or none, to a group; answers whether anything of it was left. */
function send(pid: number, signal: Deno.Signal | 0): boolean {
  try {
    return kill(-pid, signal);
  } catch {
    return false;
  }
}

function withoutSecrets({ CARILLON_PASSWORD: _, CARILLON_TOKEN: __, ...env }: Record<string, string>) {
  return env;
}
