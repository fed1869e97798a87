import { causeOf } from "../../scripts/interop/causes.ts";
import { CLIENTS } from "../../scripts/interop/clients.ts";
import { TRANSPORT_NAMES } from "../../scripts/interop/page.ts";
import { runTransports } from "../../scripts/interop/transports.ts";
import { runPush } from "../../scripts/interop/push.ts";
import { xandikos } from "../../scripts/interop/servers/xandikos.ts";
import { SERVERS } from "../../scripts/interop/servers.ts";
import { findRadicale } from "../../scripts/lib/radicale_install.ts";
import { compare, createNormaliser } from "../../scripts/interop/compare.ts";
import { equal, ok } from "../helpers/assert.ts";
import { component } from "../helpers/component.ts";
import { helpOf, runScript } from "../helpers/process.ts";

const withRadicale = await component("Radicale", findRadicale);

const SERVER_NAMES = SERVERS.map(({ name }) => name), CLIENT_NAMES = CLIENTS.map(({ name }) => name);

/** The rows of each of the page's tables, each with its cells. */
function tablesOf(page: string): string[][][] {
  const tables = page.split("\n\n").filter((block) => block.startsWith("|"));
  return tables.map((table) =>
    table.trim().split("\n").map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()))
  );
}

Deno.test("interop: --help shows every flag, server and client", async () => {
  const help = await helpOf("interop");
  for (const flag of ["--server", "--client", "--write"]) ok(help.includes(flag), flag);
  for (const name of [...SERVER_NAMES, ...CLIENT_NAMES]) ok(help.includes(name.toLowerCase()), name);
});

Deno.test("interop: what is not understood is said in one line, with 2", async () => {
  for (const args of [["now"], ["--server", "nobody"], ["--client", "nobody"], ["--write", "--client", "curl"]]) {
    const { code, out, err } = await runScript("interop", args);
    equal([code, out, err.split("\n").length], [2, "", 2], `${args.join(" ")}: ${err}`);
  }
});

withRadicale("interop: curl sees the same of Radicale, direct and through Carillon", async () => {
  const { code, out, err } = await runScript("interop", ["--server", "radicale", "--client", "curl"]);
  equal(code, 0, err);
  const [[head, , row] = []] = tablesOf(out);
  equal(head, ["server", "curl", "push"]);
  ok(/^(\d+\/\d+), \1, same$/.test(row![1]!), out);
});

Deno.test("interop: the page has each server and each client that the task knows, and no other", async () => {
  const [clients, transports] = tablesOf(await Deno.readTextFile("docs/interop.md"));
  equal(clients![0], ["server", ...CLIENT_NAMES, "push"]);
  equal(transports![0], ["server", ...TRANSPORT_NAMES]);
  for (const [, , ...rows] of [clients!, transports!]) {
    equal(rows.map(([server]) => server!.split(" ")[0]), SERVER_NAMES);
  }
});

Deno.test("interop: what differs, and what push does not do, stands on the page with its cause", async () => {
  const page = await Deno.readTextFile("docs/interop.md");
  const sectionOf = (title: string) => page.split(`\n## ${title}\n`)[1]!.split("\n## ")[0]!;
  const [differs, push] = ["What differs", "What push does not do"].map(sectionOf);
  const named = differs!.split("\n### ").slice(1).flatMap((part) => {
    const [head, ...rest] = part.split("\n"), server = head!.split(" with ")[0]!;
    return [...rest.join("\n").matchAll(/^(.+):\n\n```diff$/gm)].map(([, step]) => [server, step!]);
  });
  const failed = SERVER_NAMES.filter((server) => push!.includes(`\n${server}:\n`)).map((server) => [server, "push"]);
  const flat = page.replaceAll("\n", " ");
  for (const [server, what] of [...named, ...failed]) ok(flat.includes(causeOf(server!, what!)!), `${server}: ${what}`);
  equal(page.match(/^Why: /gm)!.length, named.length + failed.length);
});

Deno.test("interop: a line that one side lacks is a difference, and so is a step or an outcome", () => {
  const step = { name: "a", outcome: "passed" as const, lines: ["1", "2", "2"] };
  equal(compare([step], [{ ...step, lines: ["2", "1", "2"] }]), []);
  equal(compare([step], [{ ...step, lines: ["1", "2", "3"] }]), [{ step: "a", direct: ["2"], through: ["3"] }]);
  equal(compare([step], [{ ...step, outcome: "failed" }])[0]!.through, ["failed"]);
  equal(compare([step], [])[0]!.through, ["not run"]);
});

Deno.test("interop: what differs by nature is replaced, and an etag's weakness is not", () => {
  const normalise = createNormaliser({ origin: "http://127.0.0.1:4711" });
  equal(normalise('http://127.0.0.1:4711/a ETag: "x"'), 'http://HOST/a ETag: "x"');
  equal(normalise('ETag: W/"12-3"'), 'ETag: W/"ETAG"');
  equal(normalise('<D:getetag>"12"</D:getetag>'), '<D:getetag>"ETAG"</D:getetag>');
  equal(normalise("<sync-token>http://x/1</sync-token>"), "<sync-token>TOKEN</sync-token>");
  equal(normalise("DAV: 1, webdav-push, 3"), "DAV: 1, 3");
});

const withXandikos = await component("Xandikos", xandikos.find);

withXandikos(
  "interop: there is push in front of Xandikos too, which has no authentication and quotes its charset",
  async () => {
    const steps = await runPush(xandikos);
    ok(steps.length >= 12);
    equal(steps.filter(({ outcome }) => outcome !== "passed"), []);
  },
);

withXandikos("interop: who writes to Xandikos through Carillon is heard by every transport", async () => {
  const steps = await runTransports(xandikos);
  equal(steps.map(({ name, outcome }) => [name, outcome]), TRANSPORT_NAMES.map((name) => [name, "passed"]));
});
