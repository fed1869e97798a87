/** A desktop without push: vdirsyncer and a watch, at a real Radicale behind a real worker with TLS before it. */
import { mustRun } from "../../scripts/interop/programs.ts";
import { findPython } from "../../scripts/lib/python_install.ts";
import { freePort } from "../../scripts/lib/free_port.ts";
import { signAccessToken } from "../../scripts/lib/access_token.ts";
import { signerOf } from "../../scripts/lib/signer.ts";
import { certificates } from "./certificates.ts";
import { makePlace } from "./main_database.ts";
import { startScript } from "./process.ts";
import { startRadicale } from "./radicale.ts";
import { openTlsFront } from "./tls_front.ts";

/** The Python that has it. */
export const findVdirsyncer = () => findPython("vdirsyncer", "0.21.0");

export type Desktop = Awaited<ReturnType<typeof openDesktop>>;

/** `await using` stops all of it. alice has `/alice/work/`, which is `files` on the desktop. */
export async function openDesktop() {
  const things = new AsyncDisposableStack(), front = things.use(await openTlsFront());
  const radicale = things.use(await startRadicale()), port = `${freePort()}`;
  await radicale.as("alice").makeCalendar("/alice/work/");
  const place = things.use(await makePlace()), { folder } = place, ca = `${folder}/ca.pem`;
  await Deno.writeTextFile(ca, certificates.ca);
  Object.assign(place.env, {
    CARILLON_URL: front.url,
    CARILLON_PUSH_HOSTS: front.host,
    CARILLON_UPSTREAM: radicale.url,
    NODE_EXTRA_CA_CERTS: ca,
  });
  const start = async () => {
    const main = await place.start(port);
    front.to(Number(port));
    return main;
  };
  let main = await start();
  things.defer(async () => void await main.end("SIGKILL"));
  const client = things.use(Deno.createHttpClient({ caCerts: [certificates.ca] }));
  const files = `${folder}/files/work`, runs = `${folder}/runs`, sync = await setUpVdirsyncer(folder, front.url, ca);
  await Deno.writeTextFile(runs, "");

  return {
    front,
    radicale,
    folder,
    files,
    ca,
    /** The settings of the worker, for the commands beside it. */
    settings: place.env,
    /** A shell command. */
    sync,
    /** The same, which leaves a line in `runs` at its start and its end. */
    counted: `echo begin >> ${runs}; ${sync}; code=$?; echo end >> ${runs}; exit $code`,
    runs: async () => (await Deno.readTextFile(runs)).split("\n").filter(Boolean),
    listed: async () => (await Array.fromAsync(Deno.readDir(files))).map(({ name }) => name).sort(),
    env: { DENO_CERT: ca, XDG_STATE_HOME: `${folder}/state`, CARILLON_PASSWORD: "alice" },
    token: async () => signAccessToken(signerOf(await place.localIssuer()), front.url, { subscribe: ["none"] }, 3_600),
    /** As another client does, through the worker. */
    write: async (method: string, path: string, body?: string) => {
      const headers = { authorization: `Basic ${btoa("alice:alice")}`, "content-type": "text/calendar" };
      const response = await fetch(front.url + path, { client, method, body, headers });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
    },
    kill: async () => {
      await main.end("SIGKILL");
      front.cut();
    },
    start: async () => void (main = await start()),
    watch: (args: string[], env: Record<string, string> = {}) => startScript("watch", args, env),
    [Symbol.asyncDispose]: () => things.disposeAsync(),
  };
}

/** Answers the command that syncs. */
async function setUpVdirsyncer(folder: string, url: string, ca: string): Promise<string> {
  await Deno.writeTextFile(
    `${folder}/vdirsyncer.conf`,
    `[general]
status_path = "${folder}/status"
[pair calendars]
a = "files"
b = "server"
collections = ["work"]
[storage files]
type = "filesystem"
path = "${folder}/files"
fileext = ".ics"
[storage server]
type = "caldav"
url = "${url}/alice/"
username = "alice"
password = "alice"
verify = "${ca}"
`,
  );
  const vdirsyncer = `${await findVdirsyncer()} -m vdirsyncer -c ${folder}/vdirsyncer.conf`;
  await mustRun("sh", ["-c", `yes | ${vdirsyncer} discover`]);
  return `${vdirsyncer} sync`;
}
