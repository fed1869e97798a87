/** A worker of its own process whose database is backed up while it runs, and replaced by the backup when it has died. */
import { openStore } from "../../src/store/open.ts";
import { type LocalIssuer, readLocalIssuer } from "../../src/store/keys.ts";
import { ADMISSION, openDatabaseServer } from "./database_server.ts";
import type { Document } from "./document.ts";
import { openStream } from "./event_source.ts";
import { type MainProcess, startMain } from "./main_process.ts";
import { accessToken, ring } from "./worker.ts";

type Worker = MainProcess & { local: LocalIssuer };

/** `server` names who has the database; without it is embedded. The file is as the document says, but for its name. */
export async function openReplaced(document: Document, server?: "denokv") {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/data`);
  const denokv = server && await openDatabaseServer(`${folder}/data`);
  const path = denokv?.path ?? `${folder}/data/carillon.sqlite3`;
  const place = { folder, ...(denokv && { replace: { "data/carillon.sqlite3": "data/denokv.sqlite3" } }) };

  async function start(url?: string, env: Record<string, string> = {}) {
    const PORT = url ? new URL(url).port : "0";
    const main = await startMain({ CARILLON_KV: denokv?.url ?? path, PORT, ...(denokv && ADMISSION), ...env });
    const kv = await openStore(denokv?.url ?? path);
    const local = await readLocalIssuer(kv, undefined).finally(() => kv.close());
    return { ...main, local };
  }

  /** Ends what has the file as a crash does, and puts the backup in its place. */
  async function restore(worker: Worker): Promise<void> {
    await worker.end("SIGKILL");
    await denokv?.kill();
    await document.run("restore", place);
    await denokv?.start();
  }

  return {
    ...place,
    start,
    restore,
    openMailbox,
    keepRinging,
    backUp: () => document.run("backup", place),
    surroundings: ({ url }: Worker) => ({
      folder,
      env: { CARILLON_KV: path },
      replace: { "http://localhost:8411": url },
    }),
    [Symbol.asyncDispose]: async () => {
      await denokv?.[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Rings one change after the other; `acknowledged` is the data of those that were. */
function keepRinging(worker: Worker) {
  const acknowledged: string[] = [], state = { stopped: false };
  const running = (async () => {
    for (let n = 0; !state.stopped; n++) {
      await ring(worker, { topic: "a", data: `${n}` });
      acknowledged.push(`${n}`);
    }
  })();
  const stop = () => {
    state.stopped = true;
    return running;
  };
  return { acknowledged, stop };
}

/** A subscription of the worker's own push service. */
async function openMailbox(worker: Worker) {
  const headers = { authorization: `Bearer ${await accessToken(worker, {})}` };
  const made = await fetch(`${worker.url}/-/push/subscribe`, { method: "POST", headers });
  await made.body?.cancel();
  const [, address] = /<([^>]+)>; rel="urn:ietf:params:push"/.exec(made.headers.get("link")!)!;

  async function push(body: string): Promise<void> {
    const sent = await fetch(address!, { method: "POST", headers: { ttl: "3600" }, body });
    if (sent.status !== 201) throw new Error(`${sent.status} ${await sent.text()}`);
    await sent.body?.cancel();
  }

  /** The first message behind a place. */
  async function read(place?: string) {
    const headers: Record<string, string> = place ? { "last-event-id": place } : {};
    await using reading = await openStream(made.headers.get("location")!, "", undefined, headers);
    const isMessage = ({ data }: { data: string }) => data.includes('"body"');
    await reading.until(() => reading.events.some(isMessage));
    const { id, data } = reading.events.find(isMessage)!;
    return { id, body: atob(JSON.parse(data).body) };
  }

  return { push, read };
}
