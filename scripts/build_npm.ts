/** Makes the client library as a package for npm, in `npm/`: `deno task build:npm [FOLDER]`. Nothing is published. */
import { join, resolve } from "node:path";
import ts from "typescript";
import manifest from "../deno.json" with { type: "json" };
import { runCommand } from "./lib/command.ts";

const ROOT = join(import.meta.dirname!, ".."), SOURCE = join(ROOT, "src/client");

/** What it can be imported as, and the file. */
const EXPORTS = { ".": "mod", "./receiver": "receiver" };

const OPTIONS: ts.CompilerOptions = {
  rootDir: SOURCE,
  declaration: true,
  rewriteRelativeImportExtensions: true,
  strict: true,
  noUncheckedIndexedAccess: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ES2022,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ["lib.esnext.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts", "lib.dom.asynciterable.d.ts"],
  types: [],
};

/** Compiles it: modules, and their types. Throws what the compiler says. */
function compile(outDir: string): void {
  const files = Object.values(EXPORTS).map((name) => join(SOURCE, `${name}.ts`));
  const program = ts.createProgram(files, { ...OPTIONS, outDir });
  const faults = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
  if (faults.length > 0) throw new Error(ts.formatDiagnostics(faults, ts.createCompilerHost(OPTIONS)));
}

/** The package as npm reads it. */
function describe(version: string) {
  const exports = Object.entries(EXPORTS).map(([path, name]) => [path, {
    types: `./dist/${name}.d.ts`,
    default: `./dist/${name}.js`,
  }]);
  return {
    name: "carillon-client",
    version,
    description: "Tells an app when a calendar or an address book has changed: by WebDAV-Push, or by polling",
    license: "MIT",
    type: "module",
    sideEffects: false,
    exports: Object.fromEntries(exports),
    files: ["dist"],
    engines: { node: ">=20.3" },
  };
}

/** The first part of docs/client.md, with its example. */
async function readReadme(): Promise<string> {
  const document = await Deno.readTextFile(join(ROOT, "docs/client.md"));
  return document.split("\n## ")[0]!.trim() + "\n";
}

/** Builds it into an empty folder. */
async function build(folder: string): Promise<void> {
  await Deno.remove(join(folder, "dist"), { recursive: true }).catch(() => {});
  await Deno.mkdir(folder, { recursive: true });
  compile(join(folder, "dist"));
  await Deno.writeTextFile(join(folder, "package.json"), `${JSON.stringify(describe(manifest.version), null, 2)}\n`);
  await Deno.writeTextFile(join(folder, "README.md"), await readReadme());
  await Deno.copyFile(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
}

const HELP = `deno task build:npm [FOLDER]

Makes the client library as a package for npm, in npm/ or in FOLDER. Nothing is published.`;

await runCommand({ name: "build:npm", help: HELP, options: {} }, async ({ positionals: [folder = "npm"] }) => {
  await build(resolve(ROOT, folder));
  console.log(`carillon-client is in ${folder}: npm install and npm publish take that folder`);
});
