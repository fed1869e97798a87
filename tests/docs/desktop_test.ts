/** docs/desktop.md and its unit: what they say to type and to run is run as it stands there. */
import { printEvent } from "../../scripts/lib/calendar.ts";
import { equal, ok } from "../helpers/assert.ts";
import { component } from "../helpers/component.ts";
import { type Desktop, findVdirsyncer, openDesktop } from "../helpers/desktop.ts";
import { eventually } from "../helpers/eventually.ts";
import { startProcess } from "../helpers/process.ts";
import { findRadicale } from "../helpers/radicale.ts";

const UNIT = "docs/examples/desktop/carillon-watch@.service";

const document = await Deno.readTextFile("docs/desktop.md");
const blockOf = (name: string) => new RegExp("```sh " + name + "\\n(.*?)```", "s").exec(document)![1]!;

const withSystemd = await component("systemd", async () => {
  const { success } = await new Deno.Command("systemd-analyze", { args: ["--version"], stdout: "null" }).output();
  return success || undefined;
});
const withVdirsyncer = await component(
  "vdirsyncer with Radicale",
  async () => await findRadicale() && await findVdirsyncer(),
);

/** A home with this folder and Deno in it, as the document wants it. */
async function makeHome() {
  const home = await Deno.makeTempDir();
  await Deno.mkdir(`${home}/.deno/bin`, { recursive: true });
  await Deno.symlink(Deno.execPath(), `${home}/.deno/bin/deno`);
  await Deno.symlink(Deno.cwd(), `${home}/carillon`);
  const PATH = `${home}/.deno/bin:/usr/local/bin:/usr/bin:/bin`;
  const env = { HOME: home, PATH, XDG_RUNTIME_DIR: home, DENO_DIR: await denoDir(), NO_COLOR: "1" };

  /** Runs a script of the shell, which reads what is given. */
  async function run(script: string, more: Record<string, string> = {}) {
    const args = ["-e", "-c", script], options = { args, clearEnv: true, env: { ...env, ...more } };
    const { code, stdout, stderr } = await new Deno.Command("bash", options).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, out: out!, err: err! };
  }
  return { home, env, run, [Symbol.asyncDispose]: () => Deno.remove(home, { recursive: true }) };
}

/** Where our own Deno has the packages. */
async function denoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

/** What is typed to set it up, for a desktop of the tests. */
async function setUp({ front, counted, settings }: Desktop): Promise<string> {
  const lines = blockOf("set-up").replace("https://dav.example.com/", `${front.url}/`)
    .replace("https://push.example.com", front.url).replace('"vdirsyncer sync"', `'${counted}'`).replace(
      "<<ENV",
      "<<'ENV'",
    );
  const secrets = ["alice", await makeToken(settings)];
  return lines.replace(/^cat > (\S+\.(?:password|token))$/gm, (_, file) => `echo ${secrets.shift()} > ${file}`);
}

/** By the document's command, on the worker's machine. */
async function makeToken(env: Record<string, string>): Promise<string> {
  const command = blockOf("token").replace("npx -y deno@2.9.6", Deno.execPath());
  const { stdout, stderr } = await new Deno.Command("sh", { args: ["-c", command], env }).output();
  const token = new TextDecoder().decode(stdout).trim();
  ok(/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token), new TextDecoder().decode(stderr));
  return token;
}

/** What a unit's line comes to, as systemd reads it: its specifiers, its variables as one word each. */
function argumentsOf(unit: string, home: string, env: Record<string, string>): string[] {
  const [, line] = /^ExecStart=((?:.*\\\n)*.*)$/m.exec(unit)!;
  const specifiers: Record<string, string> = { h: home, E: `${home}/.config`, i: "work" };
  return line!.replaceAll("\\\n", " ").trim().split(/\s+/).map((word) =>
    word.replace(/%(\w)/g, (_, name) => specifiers[name]!).replace(/^\$\{(\w+)\}$/, (_, name) => env[name]!)
  );
}

async function readEnvironment(path: string): Promise<Record<string, string>> {
  const lines = (await Deno.readTextFile(path)).trim().split("\n").map((line) => line.split(/=(.*)/s));
  return Object.fromEntries(lines.map(([name, value]) => [name!, value!.replace(/^(['"])(.*)\1$/, "$2")]));
}

withSystemd("desktop: systemd finds nothing wrong with the unit, and enables it as the document says", async () => {
  await using home = await makeHome();
  const checked = await home.run(`systemd-analyze --user verify ${UNIT}`);
  equal([checked.code, checked.err], [0, ""]);
  const { code, err } = await home.run(`mkdir -p ~/.config/systemd/user; ${blockOf("service")}`);
  equal(code, 0, err);
  const wants = `${home.home}/.config/systemd/user/default.target.wants/carillon-watch@work.service`;
  ok((await Deno.lstat(wants)).isSymlink);
});

withVdirsyncer(
  "desktop: set up as the document says, --once shows what it shows, and the unit's command keeps it in step",
  async () => {
    await using desktop = await openDesktop();
    await using home = await makeHome();
    const made = await home.run(await setUp(desktop));
    equal([made.code, made.err], [0, ""]);
    const folder = `${home.home}/.config/carillon`;
    equal((await Deno.stat(`${folder}/work.password`)).mode! & 0o777, 0o600);

    const once = await home.run(blockOf("once"), { DENO_CERT: desktop.ca });
    const shown = /```text\n(.*?)```/s.exec(document)![1]!.replace("https://dav.example.com", desktop.front.url);
    equal([once.code, once.out.slice(0, shown.length)], [0, shown], once.err);

    const unit = await Deno.readTextFile(UNIT), env = await readEnvironment(`${folder}/work.env`);
    const [program, ...args] = argumentsOf(unit, home.home, env);
    await using service = startProcess(program!, {
      args,
      clearEnv: true,
      cwd: home.home,
      env: { ...home.env, DENO_CERT: desktop.ca },
    });
    await service.until(/told by push/);
    await desktop.write("PUT", "/alice/work/one.ics", printEvent("one", "One"));
    await eventually("the change", async () => (await desktop.listed()).includes("one.ics"));
    equal((await service.end("SIGTERM")).code, 0);
  },
);
