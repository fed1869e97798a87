import { equal, ok } from "../helpers/assert.ts";
import { makePlace } from "../helpers/main_database.ts";
import { startMain } from "../helpers/main_process.ts";
import { helpOf, runScript } from "../helpers/process.ts";

const OLD = "the secret that it was made with", NEW = "another secret, which comes after it";

Deno.test("reseal: --help shows every flag", async () => ok((await helpOf("reseal")).includes("--secret-file")));

Deno.test("reseal: then the worker starts by the new secret, with its keys, and by the old one no more", async () => {
  await using place = await makePlace({ CARILLON_SECRET: OLD });
  const vapidKey = async (url: string) => (await (await fetch(`${url}/-/transports`)).json()).transports[0];
  const first = await place.start(), known = await vapidKey(first.url);
  equal((await first.end("SIGTERM")).code, 0);
  const file = `${place.folder}/secret`;
  await Deno.writeTextFile(file, `${NEW}\n`);
  const done = await runScript("reseal", ["--secret-file", file], place.env);
  equal([done.code, done.out], [0, ""], done.err);
  ok(done.err.includes("set CARILLON_SECRET to it") && !done.err.includes(NEW) && !done.err.includes(OLD), done.err);
  const old = await startMain({ ...place.env, PORT: "0" }).then(() => "it started", ({ message }) => message);
  ok(/sealed with another CARILLON_SECRET/.test(old), old);
  await using again = await startMain({ ...place.env, CARILLON_SECRET: NEW });
  equal(await vapidKey(again.url), known);
});

Deno.test("reseal: what is no secret is refused, and not shown", async () => {
  await using place = await makePlace();
  const file = `${place.folder}/secret`;
  for (const [text, reason] of [["too-short", "shorter than 16"], ["", "the file is empty"]] as const) {
    await Deno.writeTextFile(file, text);
    const { code, err } = await runScript("reseal", ["--secret-file", file], place.env);
    ok(code === 1 && err.includes(reason) && !err.includes("too-short"), err);
  }
  equal((await runScript("reseal", ["--secret-file", `${file}-none`], place.env)).code, 1);
  equal((await runScript("reseal", [], place.env)).code, 2);
});
