/**
 * Checks the arrows of docs/architecture.md: imports go one way. Each folder of src/ lists what it may import besides
 * itself and the leaves; whatever is not listed is refused, so a new folder begins with a line here. The manifest is as a
 * package.
 */
import { dirname, join, normalize, relative } from "node:path";

const LEAVES = ["errors", "config", "metrics", "clock", "memory"];

const ALLOWED: Record<string, string[]> = {
  errors: [],
  clock: [],
  metrics: [],
  memory: [],
  config: ["model"],
  model: [],
  client: [],
  wire: ["model"],
  store: ["model"],
  access: ["wire", "model"],
  transports: ["wire", "model"],
  broker: ["store", "wire", "model"],
  dav: ["broker", "store", "access", "wire", "model"],
  doors: ["dav", "broker", "store", "access", "wire", "model"],
  serve: ["doors", "broker"],
  app: ["doors", "broker", "access", "model"],
  senders: ["transports", "store", "wire", "model"],
  worker: ["access", "app", "doors", "senders", "serve", "broker", "store", "model"],
  log: [],
  banner: [],
};

/** What runs at somebody else's: nothing of ours but itself, and no package. */
const ALONE = ["client"];

const IMPORT = /^\s*(?:import|export)\b[^;]*?from\s+"([^"]+)"|import\("([^"]+)"\)/gm;

const root = normalize(Deno.args[0] ?? join(import.meta.dirname!, ".."));
const src = join(root, "src");

/** The folder of a file in src/, or its own name at the top. */
function partOf(file: string): string {
  return relative(src, file).split("/")[0]!.replace(/\.ts$/, "");
}

function* faultsOf(file: string): Generator<string> {
  const part = partOf(file);
  const allowed = ALLOWED[part];
  if (!allowed) return yield `${relative(root, file)}: ${part} has no line in scripts/check_imports.ts`;
  for (const [, from, dynamic] of Deno.readTextFileSync(file).matchAll(IMPORT)) {
    const path = from ?? dynamic!, isPackage = !path.startsWith(".") || path.endsWith("/deno.json");
    const target = isPackage ? path : partOf(join(dirname(file), path));
    if (ALONE.includes(part) && target !== part) yield `${relative(root, file)}: ${part} may not import ${target}`;
    if (ALONE.includes(part) || isPackage) continue;
    const isLeaf = LEAVES.includes(target) && !LEAVES.includes(part) && part !== "model";
    const isError = target === "errors" && part !== "errors";
    if (target !== part && !isLeaf && !isError && !allowed.includes(target)) {
      yield `${relative(root, file)}: ${part} may not import ${target}`;
    }
  }
}

function* filesIn(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* filesIn(join(folder, name));
    else if (name.endsWith(".ts")) yield join(folder, name);
  }
}

if (import.meta.main) {
  const faults = filesIn(src).flatMap(faultsOf).toArray();
  for (const fault of faults) console.error(fault);
  console.log(`imports: ${faults.length === 0 ? "every arrow holds" : `${faults.length} against the design`}`);
  Deno.exit(faults.length === 0 ? 0 : 1);
}
