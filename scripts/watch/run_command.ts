/** One run of the user's command, with all that it starts. */
import type { Clock } from "../../src/client/mod.ts";

/** Milliseconds between asking it to end and killing it. */
const GRACE = 5_000;

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
  const late = clock.wait(timeout, any).then(() => !over.signal.aborted && endGroup(child.pid, clock, over.signal));
  const [{ code }, wasEnded] = await Promise.all([ended, late]);
  return { code, isLate: wasEnded && !signal.aborted };
}

async function endGroup(pid: number, clock: Clock, ended: AbortSignal): Promise<true> {
  kill(pid, "SIGTERM");
  await clock.wait(GRACE, ended);
  // The shell may have gone before what it started.
  kill(pid, "SIGKILL");
  return true;
}

function kill(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(-pid, signal);
  } catch {
    // Nothing of it is left.
  }
}

function withoutSecrets({ CARILLON_PASSWORD: _, CARILLON_TOKEN: __, ...env }: Record<string, string>) {
  return env;
}
