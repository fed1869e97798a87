import { equal, ok } from "../helpers/assert.ts";
import { makePlace } from "../helpers/main_database.ts";
import { helpOf, runScript } from "../helpers/process.ts";

const ALGORITHMS = ["EdDSA", "ES256", "RS256", "HS256"];

Deno.test("issuer: --help shows every flag", async () => {
  const help = await helpOf("issuer");
  for (const flag of ["--topics", "--algorithm", "--save", ...ALGORITHMS]) ok(help.includes(flag), flag);
});

Deno.test("issuer: with each algorithm, a worker with the entry takes what the key signs", async () => {
  await using place = await makePlace();
  const keyOf = (name: string) => `${place.folder}/${name}.json`;
  const entries = await Promise.all(ALGORITHMS.map(async (name) => {
    const args = [name, "--algorithm", name, "--topics", "a", "--topics", "https://c.example/*", "--save", keyOf(name)];
    const { code, out } = await runScript("issuer", args);
    equal(code, 0);
    return JSON.parse(out)[0];
  }));
  equal(entries.map(({ iss, algorithms }) => [iss, algorithms[0]]), ALGORITHMS.map((name) => [name, name]));
  await using beside = await makePlace({ CARILLON_ISSUERS: JSON.stringify(entries) });
  await using main = await beside.start();
  for (const name of ALGORITHMS) {
    const { code, err } = await runScript("ring", ["a", "--url", main.url, "--key", keyOf(name), "--issuer", name]);
    equal([code, err], [0, ""], name);
  }
});

Deno.test("issuer: prints the private key and the entry, which does not hold it", async () => {
  const { code, out, err } = await runScript("issuer", ["calendar"]);
  const [key, [entry]] = out.trim().split("\n").map((line) => JSON.parse(line));
  equal([code, entry.iss, entry.topics, entry.algorithms], [0, "calendar", ["*"], ["EdDSA"]]);
  equal([key.crv, key.kid], ["Ed25519", entry.jwks.keys[0].kid]);
  ok(!JSON.stringify(entry).includes(key.d));
  ok(err.includes("--topics"), "it says that every topic is much");
});

Deno.test("issuer: a saved key is its owner's alone, and never written over another", async () => {
  await using place = await makePlace();
  const path = `${place.folder}/key.json`;
  const first = await runScript("issuer", ["calendar", "--save", path]);
  equal([first.code, first.out.trim().split("\n").length], [0, 1]);
  equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  const key = await Deno.readTextFile(path);
  const second = await runScript("issuer", ["calendar", "--save", path]);
  equal([second.code, second.out], [1, ""]);
  equal(await Deno.readTextFile(path), key);
});

Deno.test("issuer: what the worker would refuse, or is not understood, is said in one line, with 2", async () => {
  const wrong = [[], ["local"], ["a", "b"], ["a", "--algorithm", "none"], ["a", "--topics", "/*a*a*a*a"]];
  for (const args of wrong) {
    const { code, out, err } = await runScript("issuer", args);
    equal([code, out, err.split("\n").length], [2, "", 2], `${args.join(" ")}: ${err}`);
  }
});
