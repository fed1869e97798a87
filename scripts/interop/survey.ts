/** All that was asked for: each server with each client, and push. What cannot be run says why, and stops nothing. */
import { progress } from "../bench/report.ts";
import { type ClientKind, printError, type ServerKind, type Step } from "./kinds.ts";
import { runPush } from "./push.ts";
import { type Run, runTwice } from "./run.ts";
import { runTransports } from "./transports.ts";

/** What was found, or why nothing was. */
export type Cell<T> = { found: T } | { why: string };

export type Row = {
  server: ServerKind;
  version: Cell<string>;
  runs: Map<string, Cell<Run>>;
  push: Cell<Step[]>;
  transports: Cell<Step[]>;
};

export type Survey = { clients: { name: string; version: Cell<string> }[]; rows: Row[] };

export const PLAIN = "WebDAV alone";

export async function survey(servers: ServerKind[], clients: ClientKind[], withPush: boolean): Promise<Survey> {
  const found = new Map<string, Cell<string>>();
  for (const { name, find } of clients) found.set(name, await look(find));
  const rows: Row[] = [];
  for (const server of servers) {
    progress(server.name);
    rows.push(
      await surveyServer(server, clients.map((client) => ({ client, version: found.get(client.name)! })), withPush),
    );
  }
  return { clients: clients.map(({ name }) => ({ name, version: found.get(name)! })), rows };
}

type Known = { client: ClientKind; version: Cell<string> };

async function surveyServer(server: ServerKind, clients: Known[], withPush: boolean): Promise<Row> {
  const version = await look(server.find), runs = new Map<string, Cell<Run>>();
  for (const { client, version: known } of clients) {
    runs.set(client.name, await surveyClient(server, client, [version, known]));
  }
  const push = await surveyPush(server, "push", withPush ? runPush : undefined, version);
  const transports = await surveyPush(server, "each transport", withPush ? runTransports : undefined, version);
  return { server, version, runs, push, transports };
}

async function surveyClient(server: ServerKind, client: ClientKind, versions: Cell<string>[]): Promise<Cell<Run>> {
  const missing = versions.find((version) => "why" in version);
  if (missing) return missing as { why: string };
  if (server.plain && client.needsCollections) return { why: PLAIN };
  progress(`${server.name} with ${client.name}`);
  return await look(() => runTwice(server, client));
}

async function surveyPush(
  server: ServerKind,
  what: string,
  run: ((server: ServerKind) => Promise<Step[]>) | undefined,
  version: Cell<string>,
): Promise<Cell<Step[]>> {
  if ("why" in version) return version;
  if (server.plain) return { why: PLAIN };
  if (!run) return { why: "not asked for" };
  progress(`${server.name} with ${what}`);
  return await look(() => run(server));
}

async function look<T>(find: () => Promise<T>): Promise<Cell<T>> {
  try {
    return { found: await find() };
  } catch (thrown) {
    progress(printError(thrown));
    return { why: printError(thrown) };
  }
}
