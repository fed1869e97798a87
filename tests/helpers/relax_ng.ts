/** A schema in RELAX NG's compact syntax: rnc2rng, from PyPI in the ignored folder .cache/, and libxml2's judgement. */
import { findPython } from "../../scripts/lib/python_install.ts";
import { findXmllint } from "./xmllint.ts";

export type RelaxNg = Awaited<ReturnType<typeof findRelaxNg>>;

/** Throws why they cannot be had, or what is wrong with the schema. */
export async function findRelaxNg(compact: string) {
  const xmllint = await findXmllint(), python = await findPython("rnc2rng", "2.7.0");
  const schema = await withFiles({ "a.rnc": compact }, async (folder) => {
    await run(python, "-m", "rnc2rng", `${folder}/a.rnc`, `${folder}/a.rng`);
    return await Deno.readTextFile(`${folder}/a.rng`);
  });

  /** What is wrong with a document; empty when nothing is. */
  function faultsOf(text: string): Promise<string> {
    return withFiles({ "a.rng": schema, "a.xml": text }, async (folder) => {
      const { success, stderr } = await output(
        xmllint,
        "--noout",
        "--nonet",
        "--relaxng",
        `${folder}/a.rng`,
        `${folder}/a.xml`,
      );
      return success ? "" : stderr;
    });
  }

  return { faultsOf };
}

async function withFiles<T>(files: Record<string, string>, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
    return await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await output(program, ...args);
  if (!success) throw new Error(stderr);
}

async function output(program: string, ...args: string[]) {
  const { success, stderr } = await new Deno.Command(program, { args, stdout: "null" }).output();
  return { success, stderr: new TextDecoder().decode(stderr) };
}
