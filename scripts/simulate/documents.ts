/** The document and its pictures, as `deno fmt` leaves them. */
import type { Size } from "./assumptions.ts";
import { fillPage } from "./page.ts";
import { printPlots } from "./plots.ts";
import type { Variation } from "./sensitivity.ts";
import type { Outcome } from "./simulate.ts";

const DOCS = new URL("../../docs/", import.meta.url);
const CONFIGURATION = new URL("../../deno.json", import.meta.url);
const PAGE = "push-or-poll.md";

/** What each file in docs/ should be. */
export async function makeDocuments(size: Size, outcomes: Outcome[], varied: Variation[]) {
  const page = fillPage(await Deno.readTextFile(new URL(PAGE, DOCS)), size, outcomes, varied);
  const made = Object.entries({ [PAGE]: page, ...printPlots(outcomes) });
  return await Promise.all(made.map(async ([name, text]) => {
    return { file: new URL(name, DOCS), text: await format(text, name.split(".").at(-1)!) };
  }));
}

async function format(text: string, kind: string): Promise<string> {
  const args = ["fmt", "--quiet", "--config", CONFIGURATION.pathname, "--ext", kind, "-"];
  const process = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped" }).spawn();
  const [{ success, stdout }] = await Promise.all([process.output(), new Blob([text]).stream().pipeTo(process.stdin)]);
  if (!success) throw new Error(`deno fmt did not take what was made as ${kind}`);
  return new TextDecoder().decode(stdout);
}
