/** sabre/dav, the engine of Baikal and Nextcloud, on PHP's built-in server with SQLite. */
import { freePort } from "../../lib/free_port.ts";
import { Missing, type ServerKind, USER } from "../kinds.ts";
import { debianVersion, mustRun, startServer } from "../programs.ts";

const PHP = ["php-cli", "php-sqlite3", "php-xml", "php-mbstring"] as const;

const TABLES_OF_DEBIAN = "/usr/share/doc/php-sabre-dav/examples/sql";

const here = (path: string) => new URL(path, import.meta.url).pathname;

/** The current one, which Debian does not have. */
export const sabre: ServerKind = sabreOf({
  name: "sabre/dav",
  autoload: here("../../../.cache/sabre/vendor/autoload.php"),
  tables: [here("sabre.sql")],
  find: async (autoload) => {
    await debianVersion(...PHP);
    const isThere = await Deno.stat(autoload).then(() => true, () => false);
    if (!isThere) throw new Missing("not installed: composer require --working-dir=.cache/sabre sabre/dav:^4.7");
  },
});

/** Debian's, of 2015: without sync-collection. */
export const sabreOfDebian: ServerKind = sabreOf({
  name: "php-sabre-dav",
  autoload: "/usr/share/php/Sabre/autoload.php",
  tables: ["addressbooks", "calendars", "locks", "principals"].map((name) => `${TABLES_OF_DEBIAN}/sqlite.${name}.sql`),
  find: async () => void await debianVersion("php-sabre-dav", ...PHP),
});

type Edition = { name: string; autoload: string; tables: string[]; find: (autoload: string) => Promise<void> };

function sabreOf({ name, autoload, tables, find }: Edition): ServerKind {
  return {
    name,
    find: async () => {
      await find(autoload);
      return await mustRun("php", ["-r", "require $argv[1]; echo Sabre\\DAV\\Version::VERSION;", autoload]);
    },
    start: async (folder) => {
      await Deno.mkdir(`${folder}/files`);
      await mustRun("php", ["-r", FILL, folder, ...tables]);
      const port = freePort();
      const running = await startServer("php", port, {
        args: ["-d", "display_errors=stderr", "-S", `127.0.0.1:${port}`, here("sabre.php")],
        env: { SABRE_AUTOLOAD: autoload, SABRE_DATA: folder },
      });
      return {
        place: {
          origin: `http://127.0.0.1:${port}`,
          ...USER,
          root: "/",
          calendars: "/calendars/alice/",
          contacts: "/addressbooks/alice/",
          files: "/files/",
        },
        [Symbol.asyncDispose]: async () => void await running.end(),
      };
    },
  };
}

const FILL = "$pdo = new PDO('sqlite:' . $argv[1] . '/db.sqlite'); $pdo->setAttribute(3, 2);" +
  " foreach (array_slice($argv, 2) as $tables) $pdo->exec(file_get_contents($tables));" +
  " $pdo->exec(\"INSERT INTO principals (uri, email, displayname) VALUES ('principals/alice', 'alice@example.com', 'Alice')\");";
