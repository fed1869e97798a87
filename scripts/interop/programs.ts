/** Programs of this machine: whether they are there, what they print, and servers that take a moment to listen. */
import { type Running, startProcess } from "../lib/process.ts";
import { Missing } from "./kinds.ts";

/** Milliseconds between two looks at a server that starts. */
const PAUSE = 100;

/** Milliseconds that one program may run. */
const LONGEST = 120_000;

/** Milliseconds that a server may take to start. */
const PATIENCE = 30_000;

export type Printed = { code: number; out: string; err: string };

type Options = Pick<Deno.CommandOptions, "cwd" | "env">;

/** Runs a program to its end. Throws `Missing` when there is none of this name. */
export async function runProgram(program: string, args: string[], options: Options = {}): Promise<Printed> {
  const signal = AbortSignal.timeout(LONGEST);
  try {
    const { code, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null", signal, ...options })
      .output();
    return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) throw new Missing(`not installed: ${program}`);
    throw thrown;
  }
}

/** As `runProgram`, and throws with what it printed when it ends with anything but 0. */
export async function mustRun(program: string, args: string[], options?: Options): Promise<string> {
  const { code, out, err } = await runProgram(program, args, options);
  if (code === 0) return out;
  throw new Error(`${program} ${args.join(" ")} ended with ${code}: ${(err || out).trim().slice(-500)}`);
}

/** The version of a Debian package. Throws `Missing` with the command that installs all that is needed. */
export async function debianVersion(name: string, ...others: string[]): Promise<string> {
  const versions = await Promise.all([name, ...others].map(installedVersion));
  if (versions.every(Boolean)) return versions[0]!.replace(/^\d+:/, "").replace(/[-+].*/, "");
  throw new Missing(`not installed: apt-get install ${[name, ...others].join(" ")}`);
}

async function installedVersion(name: string): Promise<string | undefined> {
  const { out } = await runProgram("dpkg-query", ["-W", "-f", "${db:Status-Status} ${Version}", name]);
  return /^installed (\S+)/.exec(out)?.[1];
}

/** Resolves when HTTP is answered. Ends the process and throws what it printed when it does not come up. */
export async function untilItAnswers(running: Running, url: string): Promise<void> {
  let ended = false;
  void running.ended.then(() => ended = true);
  for (const deadline = Date.now() + PATIENCE; Date.now() < deadline && !ended;) {
    const answer = await fetch(url, { method: "OPTIONS" }).catch(() => undefined);
    if (await answer?.body?.cancel().then(() => true) ?? answer) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  await running.end();
  throw new Error(`it did not start: ${(running.output.err + running.output.out).trim().slice(-500)}`);
}

type Launch = { args: string[]; env?: Record<string, string>; cwd?: string };

/** Starts a server of a port that is given to it, and waits until it answers. */
export async function startServer(program: string, port: number, launch: Launch): Promise<Running> {
  const running = startProcess(program, launch);
  await untilItAnswers(running, `http://127.0.0.1:${port}/`);
  return running;
}
