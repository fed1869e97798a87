/** A package from PyPI, in a virtual environment of its own in the ignored folder .cache/. */
const CACHE = new URL("../../.cache/", import.meta.url).pathname;

const installed = new Map<string, Promise<string>>();

/** The Python that has the package, and others that it needs, installed at the first call. Throws why it cannot be had. */
export function findPython(name: string, version: string, ...others: string[]): Promise<string> {
  const home = `${CACHE}${name}/${version}`;
  const found = installed.get(home) ?? install(home, [`${name}==${version}`, ...others]);
  installed.set(home, found);
  return found;
}

async function install(home: string, requirements: string[]): Promise<string> {
  if (!await exists(home)) await build(home, requirements);
  return `${home}/bin/python`;
}

/** Built beside its place and then renamed: several processes may do so at once, and the first one's stays. */
async function build(home: string, requirements: string[]): Promise<void> {
  const draft = `${home}-draft-${crypto.randomUUID()}`;
  await Deno.mkdir(draft, { recursive: true });
  try {
    await run("python3", "-m", "venv", draft);
    await run(`${draft}/bin/python`, "-m", "pip", "install", "--quiet", ...requirements);
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
