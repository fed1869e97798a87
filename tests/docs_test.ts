import { freePort } from "../scripts/lib/free_port.ts";
import { VARIABLES } from "../src/config.ts";
import { ERRORS } from "../src/errors.ts";
import { HUB_PATH } from "../src/app.ts";
import { equal, ok } from "./helpers/assert.ts";
import { findRadicale } from "./helpers/radicale.ts";
import { component } from "./helpers/component.ts";

/** As commands and settings name it. */
const anyPort = () => `${freePort()}`;

const readme = await Deno.readTextFile("README.md");

/** The rows of the table that stands under a heading: the cells of each, without their backticks. */
function rowsUnder(heading: string): string[][] {
  const section = readme.split(`\n## ${heading}\n`)[1]!.split("\n## ")[0]!;
  const rows = section.split("\n").filter((line) => line.startsWith("|")).slice(2);
  return rows.map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim().replaceAll("`", "")));
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
  const paths = [
    HUB_PATH,
    `${HUB_PATH}/subscriptions`,
    `/.well-known/oauth-protected-resource${HUB_PATH}`,
    "/-/events",
    "/-/gateway",
    "/-/transports",
    "/-/subscriptions",
    "/-/subscriptions/ID",
    "/-/push/subscribe",
    "/-/push/push/",
    "/-/push/subscription/",
    "/-/push/set/",
    "/-/push/message/",
    "/-/push/receipt",
    "/-/console",
    "/-/healthy",
    "/-/ready",
    "/-/metrics",
    "/-/openapi.json",
    "/-/docs",
  ];
  for (const path of paths) ok(addresses.includes(path), path);
});

Deno.test("readme: every command of the table is a task, and every task for users is in it", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile("deno.json")) as { tasks: Record<string, string> };
  const named = rowsUnder("Commands").map(([command]) => command!.split(" ")[2]!);
  equal(named.sort(), Object.keys(tasks).filter((name) => !["test", "schemathesis", "check"].includes(name)).sort());
});

/** The documents that name tests, and how many at least. */
const NAMING = { "conformance.md": 100, "security.md": 60, "seven-things.md": 11 };

for (const [name, least] of Object.entries(NAMING)) {
  Deno.test(`docs: every test that ${name} names is in its file`, async () => {
    const document = await Deno.readTextFile(`docs/${name}`);
    const rows = [...document.matchAll(/^\|.*\| `(tests\/[\w/]+\.ts)` +\| (.*?) +\|$/gm)];
    for (const [, file, title] of rows) {
      const source = await Deno.readTextFile(file!);
      ok(['"', "`"].some((quote) => source.includes(quote + title + quote)), `${file}: ${title}`);
    }
    ok(rows.length > least, `${rows.length}`);
  });
}

Deno.test("dependencies: each package is pinned exactly, locked by its content's hash, and in the document", async () => {
  const { imports } = JSON.parse(await Deno.readTextFile("deno.json")) as { imports: Record<string, string> };
  const { specifiers, npm } = JSON.parse(await Deno.readTextFile("deno.lock"));
  const document = await Deno.readTextFile("docs/dependencies.md");
  for (const [name, from] of Object.entries(imports)) {
    const version = /^npm:(?:@[\w-]+\/)?[\w.-]+@(\d+\.\d+\.\d+)$/.exec(from)?.[1];
    ok(version && specifiers[from], `${name}: ${from}`);
    ok(document.includes(`\`${name}\` ${version}`), `${name} ${version} is not in docs/dependencies.md`);
  }
  for (const [name, { integrity }] of Object.entries(npm as Record<string, { integrity?: string }>)) {
    ok(integrity?.startsWith("sha512-"), name);
  }
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

/** A block of the README, or of another document, as it runs here: with our Deno, and on ports of its own. */
function blockOf(document: string, name: string, ports: Record<string, string>): string {
  let block = new RegExp("```sh " + name + "\\n(.*?)```", "s").exec(document)![1]!;
  for (const [port, other] of Object.entries(ports)) block = block.replaceAll(port, other);
  return block.replaceAll("npx -y deno@2.9.6", Deno.execPath());
}

/** A folder with what the commands need. */
async function makeCheckout(): Promise<string> {
  const folder = await Deno.makeTempDir();
  for (const name of ["src", "scripts", "docs", "main.ts", "deno.json", "deno.lock"]) {
    await new Deno.Command("cp", { args: ["-r", name, `${folder}/${name}`] }).output();
  }
  return folder;
}

const AGAIN = "--retry 30 --retry-connrefused --retry-delay 1";

const READY = (port: string) => `curl -sf ${AGAIN} http://localhost:${port}/-/ready > /dev/null\n`;

Deno.test("readme: the commands for Web Push work line by line", async () => {
  const [folder, port] = [await makeCheckout(), anyPort()];
  const block = blockOf(readme, "push", { 8411: port });
  const script = `${Deno.execPath()} task start &\n${READY(port)}${block}\nkill %1`;
  const output = await runInSession(script, folder, { PORT: port, NO_COLOR: "1" });
  const answers = output.split("\n").join("").match(/\{"(?:transports|location)".*?\}(?=\{|$)/g)!.map((text) =>
    JSON.parse(text)
  );
  const [transports, made, renewed] = answers;
  equal(transports.transports[0].uri, "urn:ietf:rfc:8030");
  equal([made.topics, made.minPriority, made.maxDelay], [["https://example.com/calendars/alice/work/"], 20, 5]);
  equal([renewed.location, answers.length], [made.location, 3]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("readme: the command for webhooks works line by line", async () => {
  const [folder, port] = [await makeCheckout(), anyPort()];
  const block = blockOf(readme, "webhook", { 8411: port });
  const script = `${Deno.execPath()} task start &\n${READY(port)}${block}\nkill %1`;
  const output = await runInSession(script, folder, { PORT: port, NO_COLOR: "1" });
  const made = JSON.parse(/\{"location".*\}/.exec(output)![0]);
  equal([made.transport, made.pushService], ["https://www.standardwebhooks.com/", "https://service.example.net"]);
  ok(!output.includes("whsec_"), output);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("example: its commands serve the page with the library, and make a token for it", async () => {
  const [folder, port, pages] = [await makeCheckout(), anyPort(), anyPort()];
  const block = blockOf(await Deno.readTextFile("docs/examples/browser/README.md"), "example", { 8000: pages });
  const fetched = ["sw.js", "client.js"].map((name) =>
    `curl -sf ${AGAIN} http://localhost:${pages}/${name} > ${name}\n`
  );
  const script = `${block.replace(/^(?=.* task token)/m, READY(port))}\n${fetched.join("")}kill %1 %2`;
  const output = await runInSession(script, folder, { PORT: port, NO_COLOR: "1" });
  ok(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/m.test(output), output);
  equal(await Deno.readTextFile(`${folder}/sw.js`), await Deno.readTextFile("docs/examples/browser/sw.js"));
  ok(/^export \{[^}]*\bwatchInTabs\b/m.test(await Deno.readTextFile(`${folder}/client.js`)), output);
  await Deno.remove(folder, { recursive: true });
});

withRadicale("readme: the walk with curl alone works line by line", async (python) => {
  const folder = await makeCheckout();
  const walk = blockOf(readme, "walk", { 8411: anyPort(), 5232: anyPort() })
    .replace(/^python3 -m venv .*\n.*pip install .*\n/m, "")
    .replace(".cache/radicale/bin/radicale", `${python} -m radicale`);
  const port = /localhost:(\d+)\/-\/ready/.exec(walk)![1]!;
  const output = await runInSession(walk, folder, { PORT: port, NO_COLOR: "1" });
  const topic = /"topic":"http:\/\/localhost:\d+\/alice\/work\/"/;
  ok(topic.test(await Deno.readTextFile(`${folder}/data/heard`)), output);
  ok(topic.test(await Deno.readTextFile(`${folder}/data/missed`)), output);
  ok(/[A-Za-z0-9_-]{8}\.[0-9a-f]{20}\.0$/.test(output.trimEnd()), output);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("console: its commands work line by line", async () => {
  const [folder, port] = [await makeCheckout(), anyPort()];
  const block = blockOf(await Deno.readTextFile("docs/console.md"), "console", { 8411: port });
  const output = await runInSession(block, folder, { PORT: port, NO_COLOR: "1" });
  ok(/Live streams\n\{"id":"[^"]+"\}$/.test(output), output);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("push service: its commands work line by line", async () => {
  const [folder, port] = [await makeCheckout(), anyPort()];
  const block = blockOf(await Deno.readTextFile("docs/push-service.md"), "push-service", { 8411: port });
  const script = `${Deno.execPath()} task start &\n${READY(port)}${block}\nkill %1`;
  const output = await runInSession(script, folder, { PORT: port, NO_COLOR: "1" });
  const statuses = output.matchAll(/^HTTP\/1\.1 (\d+)/gm).map(([, status]) => status).toArray();
  equal(statuses, ["201", "204", "204"]);
  ok(
    output.includes('"urgency":"high","topic":"news"') && output.includes(`"body":"${btoa("hello").replace("=", "")}"`),
  );
  await Deno.remove(folder, { recursive: true });
});
