/** denokv, the server of Deno KV, from crates.io, in a cache outside of the checkout: building it takes minutes. */
const VERSION = "0.14.0";

let found: Promise<string> | undefined;

/** The program, built at the first call on a machine. Throws why it cannot be had. */
export function findDenokv(): Promise<string> {
  return found ??= find();
}

async function find(): Promise<string> {
  const caches = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  const root = `${caches}/carillon/denokv-${VERSION}`, program = `${root}/bin/denokv`;
  if (await Deno.stat(program).then(() => true, () => false)) return program;
  console.error(`building denokv ${VERSION} by cargo, which takes some minutes, once: ${root}`);
  // Several processes may do so at once: cargo itself lets one build, and the others find what it built.
  const args = ["install", "denokv", "--version", VERSION, "--locked", "--quiet", "--root", root];
  const { success, stderr } = await new Deno.Command("cargo", { args, stdout: "null", stderr: "piped" }).output();
  if (!success) throw new Error(`cargo ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim().slice(-500)}`);
  return program;
}

if (import.meta.main) console.log(await findDenokv());
