/** `deno task interop`: real clients against real servers, direct and through Carillon, compared line by line. */
import { CLIENTS } from "./interop/clients.ts";
import { printPage } from "./interop/page.ts";
import { SERVERS } from "./interop/servers.ts";
import { survey } from "./interop/survey.ts";
import { runCommand, UsageError } from "./lib/command.ts";

const PAGE = new URL("../docs/interop.md", import.meta.url);

const HELP = `deno task interop [--server NAME] [--client NAME] [--write]

Runs each client against each server, direct and through a Carillon in front of it, and compares line by line.

  --server NAME  this server alone: ${listNames(SERVERS)}
  --client NAME  this client alone, and no push: ${listNames(CLIENTS)}
  --write        writes docs/interop.md; else the page is printed

Servers and clients from PyPI are installed in .cache/ at the first run; what else is missing is named in the page with
the command that installs it. Ends with 0 also when something differs: the page says what.`;

await runCommand({
  name: "interop",
  help: HELP,
  options: { server: { type: "string" }, client: { type: "string" }, write: { type: "boolean", default: false } },
}, async ({ values: { server, client, write }, positionals: [stranger] }) => {
  if (stranger !== undefined) throw new UsageError(`what is not understood: ${stranger}`);
  if (write && (server ?? client) !== undefined) throw new UsageError("--write is for the whole page, not for a part");
  const page = printPage(await survey(pick(SERVERS, server), pick(CLIENTS, client), client === undefined));
  if (write) await Deno.writeTextFile(PAGE, page);
  else console.log(page);
});

function listNames(kinds: { name: string }[]): string {
  return kinds.map(({ name }) => name.toLowerCase()).join(", ");
}

function pick<T extends { name: string }>(kinds: T[], wanted: string | undefined): T[] {
  if (wanted === undefined) return kinds;
  const found = kinds.filter(({ name }) => name.toLowerCase() === wanted.toLowerCase());
  if (found.length === 0) throw new UsageError(`there is no ${wanted}, but ${listNames(kinds)}`);
  return found;
}
