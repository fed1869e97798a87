/** SOGo with a PostgreSQL of its own: its defaults are given on its command line, before those of its global file. */
import { freePort } from "../../lib/free_port.ts";
import { type ServerKind, USER } from "../kinds.ts";
import { debianVersion, mustRun, startServer } from "../programs.ts";
import { mustBeRoot, POSTGRES_PACKAGE, startPostgres } from "./postgres.ts";

const USERS = `CREATE TABLE sogo_users (c_uid text PRIMARY KEY, c_name text, c_password text, c_cn text, mail text);
INSERT INTO sogo_users VALUES ('${USER.user}', '${USER.user}', '${USER.password}', 'Alice', 'alice@example.com')`;

export const sogo: ServerKind = {
  name: "SOGo",
  find: async () => {
    const version = await debianVersion("sogo", POSTGRES_PACKAGE);
    mustBeRoot();
    return version;
  },
  start: async (folder) => {
    const port = freePort(), databasePort = freePort();
    const { env, end } = await startPostgres(folder, databasePort);
    for (const sql of ["CREATE DATABASE sogo", "CREATE USER sogo SUPERUSER"]) {
      await mustRun("psql", ["-c", sql], { env });
    }
    await mustRun("psql", ["-U", "sogo", "-d", "sogo", "-c", USERS], { env });
    const home = `${folder}/home`, become = ["--reuid", "sogo", "--regid", "sogo", "--init-groups"];
    await Deno.mkdir(home);
    await mustRun("chown", ["sogo", home]);
    const args = [...become, "sogod", ...printDefaults(home, port, `postgresql://sogo@127.0.0.1:${databasePort}/sogo`)];
    const running = await startServer("setpriv", port, { args, cwd: home, env: { HOME: home } });
    return {
      place: {
        origin: `http://127.0.0.1:${port}`,
        ...USER,
        root: "/SOGo/dav/alice/",
        calendars: "/SOGo/dav/alice/Calendar/",
        contacts: "/SOGo/dav/alice/Contacts/",
        files: "/SOGo/dav/alice/Calendar/",
      },
      [Symbol.asyncDispose]: async () => {
        await running.end();
        await end();
      },
    };
  },
};

/** One worker: two would both make its tables. */
function printDefaults(home: string, port: number, database: string): string[] {
  const users =
    `({type=sql;id=users;viewURL="${database}/sogo_users";canAuthenticate=YES;userPasswordAlgorithm=none;})`;
  return Object.entries({
    WONoDetach: "YES",
    WOPort: `127.0.0.1:${port}`,
    WOWorkersCount: "1",
    WOPidFile: `${home}/pid`,
    WOLogFile: "-",
    SOGoProfileURL: `${database}/sogo_user_profile`,
    OCSFolderInfoURL: `${database}/sogo_folder_info`,
    OCSSessionsFolderURL: `${database}/sogo_sessions_folder`,
    OCSEMailAlarmsFolderURL: `${database}/sogo_alarms_folder`,
    SOGoUserSources: users,
  }).flatMap(([name, value]) => [`-${name}`, value]);
}
