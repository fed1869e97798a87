/** What was found, as the page docs/interop.md. */
import deno from "../../deno.json" with { type: "json" };
import { causeOf } from "./causes.ts";
import type { Difference } from "./compare.ts";
import type { Step } from "./kinds.ts";
import { KNOWN_LIMITS, type Run } from "./run.ts";
import type { Cell, Row, Survey } from "./survey.ts";

/** Lines of a difference that are shown of each side. */
const SHOWN = 6;

const INTRODUCTION = [
  "Each client runs against each server twice: direct, and through Carillon as a real process in front of it",
  "(`CARILLON_UPSTREAM`). Each run begins with an empty server. What the client saw is compared line by line: for curl",
  "every status, header and line of each answer. Dates, ports, etags, sync-tokens, lock tokens and UUIDs are replaced by",
  "a word; headers of one connection, and the order of a collection's members, do not count.",
].join("\n");

const LEGEND = [
  "A cell has what passed of what was run, direct and through, and whether every line is the same. **push** is",
  "WebDAV-Push through Carillon by DAVx5's own document, for a calendar and for an address book: found, registered,",
  "told of another client's write, and led by the sync-token to the new member.",
].join("\n");

const TRANSPORTS = [
  "One client writes to a calendar through Carillon, and each of these hears of it. The event stream, the push services",
  "and the webhook are real, and encrypted or signed; APNs and FCM are servers of the tests, written from the vendors'",
  "documents: the vendors' own were not reached.",
].join("\n");

export const TRANSPORT_NAMES = ["event stream", "Web Push", "Carillon's push service", "webhook", "APNs", "FCM"];

export function printPage({ clients, rows }: Survey): string {
  const versions = [`Carillon ${deno.version}`, `Deno ${Deno.version.deno}`].concat(clients.map(printVersion));
  const names = clients.map(({ name }) => name);
  return [
    "# Interoperability",
    INTRODUCTION,
    `Run on ${new Date().toISOString().slice(0, 10)} by \`deno task interop --write\` with ${versions.join(", ")}.`,
    printTable([["server", ...names, "push"], ...rows.map((row) => printRow(row, names))]),
    LEGEND,
    "## By which transport",
    TRANSPORTS,
    printTable([["server", ...TRANSPORT_NAMES], ...rows.map(printTransports)]),
    ...section(
      "What differs",
      rows.flatMap(printDifferences),
      "Nothing: known limits aside, every line of every run is the same.",
    ),
    ...section("Known limits", printLimits(rows), "None was met."),
    ...section("What fails with and without Carillon", rows.flatMap(printFailures), "Nothing."),
    ...section("What push does not do", rows.flatMap(printPush), "Nothing is missing."),
    ...section("What could not be run", printMissing(clients, rows), "Everything was run."),
  ].join("\n\n") + "\n";
}

function printVersion({ name, version }: { name: string; version: Cell<string> }): string {
  return "found" in version ? `${name} ${version.found}` : `no ${name}`;
}

function printTable([head, ...rows]: string[][]): string {
  return [head!, head!.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function printRow({ server, version, runs, push }: Row, clients: string[]): string[] {
  const name = `${server.name}${"found" in version ? ` ${version.found}` : ""}`;
  const cells = clients.map((client) => printCell(runs.get(client)!, printRun));
  return [name, ...cells, printCell(push, count)];
}

function printTransports({ server, transports }: Row): string[] {
  const outcomeOf = (name: string) => (steps: Step[]) =>
    steps.find((step) => step.name === name)?.outcome === "passed" ? "told" : "**not told**";
  return [server.name, ...TRANSPORT_NAMES.map((name) => printCell(transports, outcomeOf(name)))];
}

function printCell<T>(cell: Cell<T>, print: (found: T) => string): string {
  if ("found" in cell) return print(cell.found);
  return /^(?:WebDAV alone|not )/.test(cell.why) ? cell.why.split("\n")[0]! : "not run, see below";
}

function printRun({ direct, through, differences, unsteady }: Run): string {
  const itself = unsteady > 0 ? `, and ${unsteady} between two direct runs` : "";
  const verdict = differences.length === 0 ? "same" : `**not the same: ${differences.length}**${itself}`;
  return `${count(direct)}, ${count(through)}, ${verdict}`;
}

export function count(steps: Step[]): string {
  const run = steps.filter(({ outcome }) => outcome !== "skipped");
  return `${run.filter(({ outcome }) => outcome === "passed").length}/${run.length}`;
}

function section(title: string, parts: string[], otherwise: string): string[] {
  return [`## ${title}`, ...(parts.length === 0 ? [otherwise] : parts)];
}

function printDifferences({ server, runs }: Row): string[] {
  return runsOf(runs).filter(({ differences }) => differences.length > 0)
    .map(({ client, differences }) =>
      [`### ${server.name} with ${client}`, ...differences.map((each) => printDifference(server.name, each))].join(
        "\n\n",
      )
    );
}

function printDifference(server: string, { step, direct, through }: Difference): string {
  const lines = [
    ...direct.slice(0, SHOWN).map((line) => `- ${line}`),
    ...through.slice(0, SHOWN).map((line) => `+ ${line}`),
  ];
  const shown = `${step}:\n\n\`\`\`diff\n${lines.map((line) => line.slice(0, 200)).join("\n")}\n\`\`\``;
  return withCause(shown, causeOf(server, step));
}

const withCause = (text: string, cause: string | undefined) => cause === undefined ? text : `${text}\n\n${cause}`;

function printLimits(rows: Row[]): string[] {
  const steps = new Set(
    rows.flatMap(({ runs }) => runsOf(runs)).flatMap(({ limits }) => limits.map(({ step }) => step)),
  );
  return steps.size === 0 ? [] : [[...steps].map((step) => `- ${step}: ${KNOWN_LIMITS[step]}.`).join("\n")];
}

/** The limits of the server, or what the client asks too much. */
function printFailures({ server, runs }: Row): string[] {
  return runsOf(runs).map(({ client, direct, through }) => {
    const failed = direct.filter(isFailed).filter(({ name }) =>
      through.some((step) => step.name === name && isFailed(step))
    );
    return { client, failed };
  }).filter(({ failed }) => failed.length > 0).map(({ client, failed }) =>
    `${server.name} with ${client}:\n\n${failed.map(printFailed).join("\n")}`
  );
}

function isFailed({ outcome }: Step): boolean {
  return outcome === "failed";
}

function printFailed({ name, lines }: Step): string {
  const [first = ""] = lines;
  return `- ${name}: ${"`"}${first.replaceAll("`", "'").slice(0, 160).trim()}${"`"}`;
}

function printPush({ server, push, transports }: Row): string[] {
  const failed = [push, transports].flatMap((cell) => "found" in cell ? cell.found.filter(isFailed) : []);
  if (failed.length === 0) return [];
  return [withCause(`${server.name}:\n\n${failed.map(printFailed).join("\n")}`, causeOf(server.name, "push"))];
}

function printMissing(clients: Survey["clients"], rows: Row[]): string[] {
  const named = [
    ...[...clients, ...rows.map(({ server, version }) => ({ name: server.name, version }))]
      .map(({ name, version }) => ({ name, cell: version as Cell<unknown> })),
    ...rows.filter(({ version }) => "found" in version).flatMap(({ server, runs, push, transports }) => [
      ...[...runs].map(([client, cell]) => ({ name: `${server.name} with ${client}`, cell: cell as Cell<unknown> })),
      { name: `${server.name} with push`, cell: push as Cell<unknown> },
      { name: `${server.name} with each transport`, cell: transports as Cell<unknown> },
    ]),
  ];
  const lines = named.flatMap(({ name, cell }) =>
    "why" in cell && cell.why !== "WebDAV alone" ? [`- ${name}: ${cell.why.trim()}`] : []
  );
  return lines.length === 0 ? [] : [lines.join("\n")];
}

function runsOf(runs: Row["runs"]): Run[] {
  return [...runs.values()].flatMap((cell) => "found" in cell ? [cell.found] : []);
}
