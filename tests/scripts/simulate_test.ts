/** `deno task simulate` as a command. */
import { LOADS } from "../../scripts/simulate/assumptions.ts";
import { STRATEGIES } from "../../scripts/simulate/strategies.ts";
import { equal, ok } from "../helpers/assert.ts";
import { helpOf, runScript } from "../helpers/process.ts";

Deno.test("simulate: the command shows a table of what it is asked for, and progress beside it", async () => {
  const args = ["--load", "normal", "--strategy", "poll-1h", "--users", "8", "--days", "1", "--seed", "3"];
  const { code, out, err } = await runScript("simulate", args);
  const [head, names, row, ...rest] = out.trim().split("\n");
  equal([code, rest], [0, []]);
  ok(head!.startsWith("normal: ") && names!.startsWith("strategy") && /^poll-1h .* 24\.0 /.test(row!), out);
  ok(err.includes("normal, poll-1h …") && err.includes("20 device-days"), err);
  equal((await runScript("simulate", args)).out, out);
});

Deno.test("simulate: --help shows every flag, load and strategy", async () => {
  const help = await helpOf("simulate");
  const flags = ["--load", "--strategy", "--users", "--days", "--seed", "--json", "--write"];
  for (const word of [...flags, ...[...LOADS, ...STRATEGIES].map(({ name }) => name)]) ok(help.includes(word), word);
});

Deno.test("simulate: what is not understood is said in one line, with 2", async () => {
  const wrong = [["now"], ["--load", "none"], ["--strategy", "none"], ["--users", "0"], ["--users", "1e3"], ["--days"]];
  for (const args of [...wrong, ["--days", "367"], ["--seed", "-1"], ["--write", "--json"]]) {
    const { code, out, err } = await runScript("simulate", args);
    equal([code, out, err.split("\n").length], [2, "", 2], `${args.join(" ")}: ${err}`);
  }
});
