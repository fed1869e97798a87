/** Radicale itself, from PyPI, in a virtual environment in the ignored folder .cache/. */
const VERSION = "3.9.0";
const CACHE = new URL("../../.cache/radicale/", import.meta.url).pathname;

let installed: Promise<string> | undefined;

/** The Python that has Radicale, installed at the first call. Throws why it cannot be had. */
export function findRadicale(): Promise<string> {
  return installed ??= install();
}

async function install(): Promise<string> {
  const home = `${CACHE}${VERSION}`;
  if (!await exists(home)) await build(home);
  return `${home}/bin/python`;
}

/** Built beside its place and then renamed: several processes may do so at once, and the first one's stays. */
async function build(home: string): Promise<void> {
  const draft = `${CACHE}draft-${crypto.randomUUID()}`;
  await Deno.mkdir(CACHE, { recursive: true });
  try {
    await run("python3", "-m", "venv", draft);
    await run(`${draft}/bin/python`, "-m", "pip", "install", "--quiet", `Radicale==${VERSION}`);
    await Deno.rename(draft, home).catch(async (thrown) => {
      if (!await exists(home)) throw thrown;
    });
  } finally {
    await Deno.remove(draft, { recursive: true }).catch(() => {});
  }
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args, stdout: "null" }).output();
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim().slice(-500)}`);
}

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}
