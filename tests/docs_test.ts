import { VARIABLES } from "../src/config.ts";
import { ERRORS } from "../src/errors.ts";
import { HUB_PATH } from "../src/app.ts";
import { equal, ok } from "./helpers/assert.ts";
import { findRadicale } from "./helpers/radicale.ts";
import { component } from "./helpers/component.ts";

const readme = await Deno.readTextFile("README.md");

/** The rows of the table that stands under a heading: the cells of each, without their backticks. */
function rowsUnder(heading: string): string[][] {
  const section = readme.split(`\n## ${heading}\n`)[1]!.split("\n## ")[0]!;
  const rows = section.split("\n").filter((line) => line.startsWith("|")).slice(2);
  return rows.map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim().replaceAll("`", "")));
}

function freePort(): string {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return `${listener.addr.port}`;
}

Deno.test("readme: the table of settings names every variable that is read, in order", () => {
  equal(rowsUnder("Settings").map(([variable]) => variable), VARIABLES);
});

Deno.test("readme: the table of errors is the table of the code", () => {
  const code = Object.entries(ERRORS).map(([code, { status, advice }]) => [code, `${status}`, advice]);
  equal(rowsUnder("Errors"), code);
});

Deno.test("readme: every address of the app is in the table of addresses", () => {
  const addresses = rowsUnder("Addresses").map(([address]) => address).join(" ");
  for (const path of [HUB_PATH, "/-/events", "/-/gateway", "/-/healthy", "/-/ready", "/-/metrics"]) {
    ok(addresses.includes(path), path);
  }
});

Deno.test("readme: every command of the table is a task, and every task for users is in it", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile("deno.json")) as { tasks: Record<string, string> };
  const named = rowsUnder("Commands").map(([command]) => command!.split(" ")[2]!);
  equal(named.sort(), Object.keys(tasks).filter((name) => !["test", "check"].includes(name)).sort());
});

Deno.test("docs: every link between the documents leads to a file", async () => {
  const documents = [
    "README.md",
    "CONTRIBUTING.md",
    ...Deno.readDirSync("docs").map(({ name }) => `docs/${name}`).filter((name) => name.endsWith(".md")),
  ];
  for (const document of documents) {
    const links = (await Deno.readTextFile(document)).matchAll(/\]\((?!https?:)([^)#]+)/g);
    for (const [, link] of links) await Deno.stat(new URL(link!, new URL(document, `file://${Deno.cwd()}/`)));
  }
});

/** Runs a script of bash in a session of its own; whatever it started ends with it, and it ends within a minute. */
async function runInSession(script: string, cwd: string, env: Record<string, string>): Promise<string> {
  const log = `${cwd}/walk.log`;
  const args = ["bash", "-em", "-c", `exec > ${log} 2> ${cwd}/walk.err; ${script}`];
  const shell = new Deno.Command("setsid", { args, cwd, env, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  const timer = setTimeout(() => shell.kill("SIGKILL"), 60_000);
  const { success } = await shell.status;
  clearTimeout(timer);
  await new Deno.Command("pkill", { args: ["-KILL", "-s", `${shell.pid}`] }).output();
  const output = await Deno.readTextFile(log);
  ok(success, output + await Deno.readTextFile(`${cwd}/walk.err`));
  return output;
}

const withRadicale = await component("Radicale", findRadicale);

withRadicale("readme: the walk with curl alone works line by line", async (python) => {
  const folder = await Deno.makeTempDir();
  const walk = /```sh walk\n(.*?)```/s.exec(readme)![1]!
    .replaceAll("8411", freePort())
    .replaceAll("5232", freePort())
    .replaceAll("npx -y deno@2.9.6", Deno.execPath())
    .replace(/^python3 -m venv .*\n.*pip install .*\n/m, "")
    .replace(".cache/radicale/bin/radicale", `${python} -m radicale`);
  const port = /localhost:(\d+)\/-\/ready/.exec(walk)![1]!;
  for (const name of ["src", "scripts", "main.ts", "deno.json", "deno.lock"]) {
    await new Deno.Command("cp", { args: ["-r", name, `${folder}/${name}`] }).output();
  }
  const output = await runInSession(walk, folder, { PORT: port, NO_COLOR: "1" });
  const topic = /"topic":"http:\/\/localhost:\d+\/alice\/work\/"/;
  ok(topic.test(await Deno.readTextFile(`${folder}/data/heard`)), output);
  ok(topic.test(await Deno.readTextFile(`${folder}/data/missed`)), output);
  ok(/[A-Za-z0-9_-]{8}\.[0-9a-f]{20}\.0$/.test(output.trimEnd()), output);
  await Deno.remove(folder, { recursive: true });
});
