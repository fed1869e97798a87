import { dirname } from "node:path";
import { equal, ok } from "../helpers/assert.ts";

async function check(files: Record<string, string>): Promise<{ code: number; err: string }> {
  const root = await Deno.makeTempDir();
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(dirname(`${root}/${path}`), { recursive: true });
    await Deno.writeTextFile(`${root}/${path}`, text);
  }
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "scripts/check_imports.ts", root],
  }).output();
  await Deno.remove(root, { recursive: true });
  return { code, err: new TextDecoder().decode(stderr) };
}

Deno.test("imports: an import against the arrows is named and fails the check", async () => {
  const { code, err } = await check({
    "src/store/a.ts": 'import { b } from "../broker/b.ts";\n',
    "src/broker/b.ts": "export const b = 1;\n",
  });
  equal(code, 1);
  ok(err.includes("src/store/a.ts: store may not import broker"), err);
});

Deno.test("imports: over several lines and for types alone they count too", async () => {
  const text = 'import type {\n  B,\n} from "../doors/b.ts";\nexport { c } from "../app.ts";\n';
  const { err } = await check({ "src/broker/a.ts": text, "src/doors/b.ts": "", "src/app.ts": "" });
  ok(err.includes("broker may not import doors") && err.includes("broker may not import app"), err);
});

Deno.test("imports: a folder that the design does not name fails the check", async () => {
  ok((await check({ "src/utils/a.ts": "" })).err.includes("utils has no line"));
});

Deno.test("imports: those that follow the arrows pass", async () => {
  const text = 'import { b } from "../store/b.ts";\nimport { e } from "../errors.ts";\n';
  equal((await check({ "src/broker/a.ts": text, "src/store/b.ts": "", "src/errors.ts": "" })).code, 0);
});

Deno.test("imports: what runs at somebody else's imports no package, and nothing of ours, not even an error", async () => {
  const text = 'import { a } from "./a.ts";\nimport { e } from "../errors.ts";\nimport { z } from "zod";\n';
  const { code, err } = await check({ "src/client/b.ts": text, "src/client/a.ts": "", "src/errors.ts": "" });
  equal(code, 1);
  ok(err.includes("client may not import errors") && err.includes("client may not import zod"), err);
  ok(!err.includes("import client"), err);
});
