/** A PostgreSQL of a run, by Debian's package: reached by a socket in its folder, and by a port where one is given. */
import { type Running, startProcess } from "../../lib/process.ts";
import { Missing } from "../kinds.ts";
import { mustRun } from "../programs.ts";

/** Brings the current version and its clients. */
export const POSTGRES_PACKAGE = "postgresql";

export type Postgres = { env: Record<string, string>; end: () => Promise<void> };

/** PostgreSQL refuses to run as root. */
export function mustBeRoot(): void {
  if (Deno.uid() !== 0) throw new Missing("not run: it starts as root, to become the user postgres");
}

/** `env` leads every client of it there, as an administrator. */
export async function startPostgres(folder: string, port?: number): Promise<Postgres> {
  const data = `${folder}/postgres`, sockets = `${folder}/sockets`, bin = await findPrograms();
  // Others pass through to the sockets.
  await Deno.chmod(folder, 0o755);
  for (const path of [data, sockets]) await Deno.mkdir(path);
  await mustRun("chown", ["postgres", data, sockets]);
  await mustRun("runuser", ["-u", "postgres", "--", `${bin}/initdb`, "-D", data, "-A", "trust", "-U", "postgres"]);
  const reached = port === undefined ? ["listen_addresses="] : ["listen_addresses=127.0.0.1", `port=${port}`];
  const settings = [...reached, `unix_socket_directories=${sockets}`, "fsync=off"];
  // Unlike runuser it becomes the program, so that its process id is PostgreSQL's.
  const args = ["--reuid", "postgres", "--regid", "postgres", "--init-groups", `${bin}/postgres`, "-D", data];
  const running = startProcess("setpriv", { args: [...args, ...settings.flatMap((setting) => ["-c", setting])] });
  await running.until(/ready to accept connections/);
  return { env: { PGHOST: sockets, PGPORT: `${port ?? 5432}`, PGUSER: "postgres" }, end: () => endFast(running) };
}

async function findPrograms(): Promise<string> {
  return (await mustRun("sh", ["-c", "ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1"])).trim();
}

/** It would wait for its clients by SIGTERM. */
async function endFast(running: Running): Promise<void> {
  await running.end("SIGINT");
}
