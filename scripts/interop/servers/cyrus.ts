/** Cyrus IMAP with its httpd: everything that it writes is in the run's folder, none of its global files is read. */
import { freePort } from "../../lib/free_port.ts";
import { Missing, type ServerKind, USER } from "../kinds.ts";
import { debianVersion, mustRun, runProgram, startServer } from "../programs.ts";

const ADMIN = "cyrus";

/** What cyrus-common's own installation makes. */
const FOLDERS = ["db", "proc", "lock", "socket", "log", "user", "quota", "msg", "spool"];

export const cyrus: ServerKind = {
  name: "Cyrus",
  find: async () => {
    const version = await debianVersion("cyrus-imapd", "cyrus-caldav", "sasl2-bin");
    if (Deno.uid() !== 0) throw new Missing("not run: it starts as root, to become the user cyrus");
    return version;
  },
  start: async (folder) => {
    const port = freePort(), imapPort = freePort();
    await prepare(folder, port, imapPort);
    const args = ["-D", "-C", `${folder}/imapd.conf`, "-M", `${folder}/cyrus.conf`, "-p", `${folder}/master.pid`];
    const running = await startServer("cyrmaster", port, { args });
    await createUser(imapPort);
    return {
      place: {
        origin: `http://127.0.0.1:${port}`,
        ...USER,
        root: "/dav/principals/user/alice/",
        calendars: "/dav/calendars/user/alice/",
        contacts: "/dav/addressbooks/user/alice/",
        files: "/dav/drive/user/alice/",
      },
      [Symbol.asyncDispose]: async () => void await running.end(),
    };
  },
};

async function prepare(folder: string, port: number, imapPort: number): Promise<void> {
  for (const name of FOLDERS) await Deno.mkdir(`${folder}/${name}`);
  await Deno.writeTextFile(`${folder}/imapd.conf`, printSettings(folder));
  await Deno.writeTextFile(`${folder}/cyrus.conf`, printServices(folder, port, imapPort));
  for (const name of [USER.user, ADMIN]) {
    const set = `echo "$1" | saslpasswd2 -p -c -u localhost -f "$0/sasldb2" "$1"`;
    await mustRun("sh", ["-c", set, folder, name]);
  }
  await mustRun("chown", ["-R", "cyrus:mail", folder]);
}

/** A user of Cyrus is one who has an inbox; only an administrator makes it, and by IMAP. */
async function createUser(port: number): Promise<void> {
  const talk = "import imaplib, sys; imap = imaplib.IMAP4('127.0.0.1', int(sys.argv[1])); " +
    "imap.login(sys.argv[2], sys.argv[2]); print(imap.create('user/' + sys.argv[3])); imap.logout()";
  const { out, err } = await runProgram("python3", ["-c", talk, `${port}`, ADMIN, USER.user]);
  if (!out.includes("OK")) throw new Error(`Cyrus did not create the user: ${out}${err.slice(-300)}`);
}

function printSettings(folder: string): string {
  return Object.entries({
    configdirectory: folder,
    proc_path: `${folder}/proc`,
    mboxname_lockpath: `${folder}/lock`,
    defaultpartition: "default",
    "partition-default": `${folder}/spool`,
    hashimapspool: "yes",
    unixhierarchysep: "yes",
    altnamespace: "yes",
    servername: "localhost",
    admins: ADMIN,
    allowplaintext: "yes",
    sasl_mech_list: "PLAIN",
    sasl_pwcheck_method: "auxprop",
    sasl_auxprop_plugin: "sasldb",
    sasl_sasldb_path: `${folder}/sasldb2`,
    httpmodules: "caldav carddav webdav",
    syslog_prefix: "cyrus-interop",
  }).map(([name, value]) => `${name}: ${value}\n`).join("");
}

function printServices(folder: string, port: number, imapPort: number): string {
  const settings = `-C ${folder}/imapd.conf`;
  return `START {
  recover cmd="/usr/sbin/cyrus ctl_cyrusdb ${settings} -r"
}
SERVICES {
  http cmd="httpd ${settings}" listen="127.0.0.1:${port}" prefork=1 maxchild=20
  imap cmd="imapd ${settings}" listen="127.0.0.1:${imapPort}" prefork=1 maxchild=2
}
EVENTS {
  checkpoint cmd="/usr/sbin/cyrus ctl_cyrusdb ${settings} -c" period=30
}
`;
}
