/** A program in a process of its own, whose output is read, and which is ended by its id. */
import { createWaiting } from "./waiting.ts";

/** So many characters of its output are kept: a demo may run for days. */
const KEEP = 1024 * 1024;

/** Milliseconds until a process that does not end is killed. */
const GRACE = 5_000;

export type Running = ReturnType<typeof startProcess>;

type Options = Pick<Deno.CommandOptions, "args" | "env" | "clearEnv" | "cwd">;

export function startProcess(program: string, options: Options) {
  const child = new Deno.Command(program, { ...options, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  const output = { out: "", err: "" };
  const state: { status?: Deno.CommandStatus } = {};
  const waiting = createWaiting(() => `${program} said: ${output.err.slice(-2000)}${output.out.slice(-2000)}`);
  const ended = Promise.all([collect(child.stdout, "out"), collect(child.stderr, "err"), child.status]).then(finish);

  async function collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>, name: "out" | "err"): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      output[name] = (output[name] + text).slice(-KEEP);
      waiting.notify();
    }
  }

  function finish([, , status]: [void, void, Deno.CommandStatus]): Deno.CommandStatus {
    state.status = status;
    waiting.notify();
    return status;
  }

  /** Resolves with the first thing that is seen. Throws when the process ended without it, or at the deadline. */
  async function see<T>(look: () => T | undefined, milliseconds?: number): Promise<T> {
    return await waiting.until(() => {
      const seen = look();
      if (seen !== undefined || !state.status) return seen;
      throw new Error(`${program} ended with ${state.status.code}: ${output.err.slice(-2000)}`);
    }, milliseconds);
  }

  /** Resolves when its output matches, on either stream. Throws as `see` does. */
  async function until(pattern: RegExp, milliseconds?: number): Promise<RegExpExecArray> {
    return await see(() => pattern.exec(output.out) ?? pattern.exec(output.err) ?? undefined, milliseconds);
  }

  /** Ends it, and answers how it ended. What does not listen is killed. */
  async function end(signal: Deno.Signal = "SIGTERM"): Promise<Deno.CommandStatus> {
    kill(signal);
    const timer = setTimeout(() => kill("SIGKILL"), GRACE);
    return await ended.finally(() => clearTimeout(timer));
  }

  function kill(signal: Deno.Signal): void {
    try {
      child.kill(signal);
    } catch (thrown) {
      if (!(thrown instanceof TypeError)) throw thrown; // it has ended already
    }
  }

  return { pid: child.pid, output, ended, see, until, end, [Symbol.asyncDispose]: async () => void await end() };
}

/** Our environment without the settings: those of whoever runs a command would lead to their own worker. */
export function surroundings(): Record<string, string> {
  const entries = Object.entries(Deno.env.toObject()).filter(([name]) => !/^(CARILLON_|HOST$|PORT$)/.test(name));
  return Object.fromEntries(entries);
}
