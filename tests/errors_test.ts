import { CarillonError, causeOf } from "../src/errors.ts";
import { equal, ok } from "./helpers/assert.ts";

Deno.test("errors: what is logged of something that broke is its code and place, and nothing else is logged of it", async () => {
  const { code, at } = causeOf(new TypeError("Invalid URL: 'https://push.example/a-secret'"));
  ok(
    code === "internal" && at!.startsWith("TypeError") && at!.includes("errors_test.ts") && !at!.includes("secret"),
    at,
  );
  for (const thrown of ["a-secret", null, { message: "a-secret" }]) equal(causeOf(thrown), { code: "internal" });
  equal(causeOf(new CarillonError("kv_failed", "a")), { code: "kv_failed" });
  for await (const path of sourcesIn("src")) {
    const source = await Deno.readTextFile(path);
    // What was thrown, or its message, as it stands.
    const [said] = /\blog(?:\.\w+|\[[\w.]+\])\([^;]*?(?:\$\{thrown\}|thrown\.message|, \{ thrown\b)/.exec(source) ?? [];
    equal(said, undefined, path);
  }
});

async function* sourcesIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* sourcesIn(`${folder}/${name}`);
    else yield `${folder}/${name}`;
  }
}
