/** A document whose commands are run as they stand there: with our Deno, in a folder of its own. */
import { surroundings } from "../../scripts/lib/process.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** Milliseconds that a block may take. */
const LONG = 60_000;

export type Place = { folder: string; env?: Record<string, string>; replace?: Record<string, string> };

export type Document = Awaited<ReturnType<typeof documentOf>>;

export async function documentOf(path: string) {
  const text = await Deno.readTextFile(path);

  /** The block with this behind its opening fence, such as `sh backup`. */
  function textOf(fence: string): string {
    return text.split(`\n\`\`\`${fence}\n`)[1]!.split("\n```")[0]! + "\n";
  }

  /** Runs commands, each of which must succeed, and answers what they print. */
  async function runText(commands: string, { folder, env, replace = {} }: Place): Promise<string> {
    let script = commands.replace(/npx -y deno@2\.9\.6 task (\w+)/g, `${Deno.execPath()} run -A ${ROOT}scripts/$1.ts`);
    for (const [each, other] of Object.entries(replace)) script = script.replaceAll(each, other);
    const signal = AbortSignal.timeout(LONG), clean = { ...surroundings(), NO_COLOR: "1", ...env };
    const args = ["-euo", "pipefail", "-c", script];
    const run = new Deno.Command("bash", { args, cwd: folder, clearEnv: true, env: clean, signal });
    const { success, stdout, stderr } = await run.output();
    if (success) return new TextDecoder().decode(stdout);
    throw new Error(`${script}: ${new TextDecoder().decode(stderr)}${new TextDecoder().decode(stdout)}`);
  }

  return { text, textOf, runText, run: (name: string, place: Place) => runText(textOf(`sh ${name}`), place) };
}
