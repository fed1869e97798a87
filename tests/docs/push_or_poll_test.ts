/** docs/push-or-poll.md: its commands are run as they stand there, and what they write is what stands there. */
import { equal, ok } from "../helpers/assert.ts";
import { LOADS } from "../../scripts/simulate/assumptions.ts";
import { STRATEGIES } from "../../scripts/simulate/strategies.ts";

const MADE = ["push-or-poll.md", "push-or-poll-requests.svg", "push-or-poll-staleness.svg", "push-or-poll-day.svg"];

const document = await Deno.readTextFile("docs/push-or-poll.md");

/** A folder with what the commands need. */
async function makeCheckout(): Promise<string> {
  const folder = await Deno.makeTempDir();
  for (const name of ["src", "scripts", "docs", "deno.json", "deno.lock"]) {
    await new Deno.Command("cp", { args: ["-r", name, `${folder}/${name}`] }).output();
  }
  return folder;
}

Deno.test("push or poll: its commands make its tables and its pictures, to the byte", async () => {
  const folder = await makeCheckout();
  const block = document.split("\n```sh simulate\n")[1]!.split("\n```")[0]!;
  const script = block.replaceAll("npx -y deno@2.9.6", Deno.execPath());
  // What it would write must not be there already.
  for (const name of MADE.slice(1)) await Deno.remove(`${folder}/docs/${name}`);
  const { success, stdout } = await new Deno.Command("bash", { args: ["-ec", script], cwd: folder }).output();
  const [figures] = JSON.parse(new TextDecoder().decode(stdout).split(/^(?=\/)/m)[0]!);
  equal([success, figures.load, figures.strategy], [true, "busy", "push"]);
  for (const name of MADE) {
    const [made, kept] = await Promise.all([`${folder}/docs`, "docs"].map((at) => Deno.readTextFile(`${at}/${name}`)));
    equal(made, kept, `${name}: deno task simulate --write makes it anew`);
    ok(made!.length < 30_000, name);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("push or poll: every load has a table with every strategy, each of which is explained", () => {
  const words = document.split("## The strategies\n")[1]!.split("\n## ")[0]!;
  for (const { name } of LOADS) {
    const table = document.split(`<!-- ${name} -->`)[1]!.split(`<!-- /${name} -->`)[0]!;
    for (const { name } of STRATEGIES) ok(table.includes(`| ${name} `) && words.includes(`\`${name}\``), name);
  }
});
