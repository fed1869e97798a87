import { findRadicale } from "../../scripts/lib/radicale_install.ts";
import { equal, ok } from "../helpers/assert.ts";
import { component } from "../helpers/component.ts";
import { helpOf, type Running, runScript, startScript } from "../helpers/process.ts";

const withRadicale = await component("Radicale", findRadicale);

Deno.test("demo: --help shows every flag", async () => {
  const help = await helpOf("demo");
  for (const flag of ["--count", "--every"]) ok(help.includes(flag), flag);
});

Deno.test("demo: what is not understood is said in one line, with 2", async () => {
  for (const args of [["now"], ["--count", "many"], ["--every", "often"]]) {
    const { code, out, err } = await runScript("demo", args);
    equal([code, out, err.split("\n").length], [2, "", 2], `${args.join(" ")}: ${err}`);
  }
});

withRadicale(
  "demo: a listener hears of each event that Radicale stores, how long it took, and all ends with the last",
  async () => {
    await using demo = startScript("demo", ["--count", "2", "--every", "0s"]);
    equal((await demo.ended).code, 0, demo.output.err);
    for (const number of [1, 2]) {
      const line = new RegExp(
        `event ${number}: heard after \\d+ ms, stored by Radicale after \\d+ ms\n.*"topic":"http`,
      );
      ok(line.test(demo.output.out), demo.output.out);
    }
    await isOver(demo);
  },
);

withRadicale("demo: Ctrl-C ends the worker, Radicale and itself", async () => {
  await using demo = startScript("demo", ["--every", "1h"]);
  await demo.until(/event 1: heard/);
  equal((await demo.end("SIGINT")).code, 0);
  await isOver(demo);
});

/** Nobody listens at the addresses that it showed. */
async function isOver({ output }: Running): Promise<void> {
  const addresses = [...output.out.matchAll(/^(?:Carillon|Radicale) +(http:\S+)$/gm)].map(([, address]) => address!);
  equal(addresses.length, 2);
  for (const address of addresses) {
    const answer = await fetch(address).then((response) => `${response.status}`, () => "nobody");
    equal(answer, "nobody", address);
  }
}
