/** DAViCal on PHP's built-in server and a PostgreSQL of its own; its global settings name no host, so ours leads it. */
import { freePort } from "../../lib/free_port.ts";
import { type ServerKind, USER } from "../kinds.ts";
import { debianVersion, mustRun, startServer } from "../programs.ts";
import { mustBeRoot, POSTGRES_PACKAGE, startPostgres } from "./postgres.ts";

const HOME = "/usr/share/davical";

/** The one user of a new database is its administrator. */
const RENAME = `UPDATE usr SET username = '${USER.user}' WHERE user_no = 1`;

export const davical: ServerKind = {
  name: "DAViCal",
  find: async () => {
    const version = await debianVersion("davical", "php-cli", "php-pgsql", "php-xml", POSTGRES_PACKAGE);
    mustBeRoot();
    return version;
  },
  start: async (folder) => {
    const { env, end } = await startPostgres(folder);
    await mustRun("sh", [`${HOME}/dba/create-database.sh`, "davical", USER.password], { env });
    await mustRun("psql", ["-d", "davical", "-c", RENAME], { env });
    const port = freePort();
    const args = ["-d", "display_errors=stderr", "-S", `127.0.0.1:${port}`, "-t", "."];
    const running = await startServer("php", port, { args, cwd: `${HOME}/htdocs`, env });
    const home = "/caldav.php/alice/";
    return {
      place: {
        origin: `http://127.0.0.1:${port}`,
        ...USER,
        root: "/caldav.php/",
        calendars: home,
        contacts: home,
        files: home,
      },
      [Symbol.asyncDispose]: async () => {
        await running.end();
        await end();
      },
    };
  },
};
