/** Programs of the project as real processes: the commands in scripts/, ended by their id. */
import { type Running, startProcess, surroundings } from "../../scripts/lib/process.ts";

export { type Running, startProcess } from "../../scripts/lib/process.ts";

type Env = Record<string, string>;

/** Starts `scripts/NAME.ts`, with these settings alone. */
export function startScript(name: string, args: string[], env: Env = {}): Running {
  return startProcess(Deno.execPath(), {
    args: ["run", "-A", `scripts/${name}.ts`, ...args],
    clearEnv: true,
    env: { ...surroundings(), NO_COLOR: "1", ...env },
  });
}

/** Runs it to its end. */
export async function runScript(name: string, args: string[], env: Env = {}) {
  const running = startScript(name, args, env);
  const { code } = await running.ended;
  return { code, ...running.output };
}

/** What `--help` shows. */
export async function helpOf(name: string): Promise<string> {
  const { code, out, err } = await runScript(name, ["--help"]);
  if (code === 0 && err === "") return out;
  throw new Error(`${name} --help: ${code}: ${err}`);
}
