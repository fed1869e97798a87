/** A watch at a real Radicale behind a worker, which is its push service as well, behind TLS. */
import { pushService, type State, type Transport, watch } from "../../src/client/mod.ts";
import { createWaiting } from "../../scripts/lib/waiting.ts";
import type { Clock } from "../../src/clock.ts";
import { memoryKv } from "./broker.ts";
import { certificates } from "./certificates.ts";
import { tellPort } from "./keep_port.ts";
import { startRadicale } from "./radicale.ts";
import { openTlsFront } from "./tls_front.ts";
import { accessToken, testWorker } from "./worker.ts";

type Heard = { collection: string; syncToken?: string };
type Fetch = (url: string, init: RequestInit) => Promise<Response>;
type Given = {
  path: string;
  chosen?: (collection: string) => boolean;
  transports?: Transport[];
  changed?: (heard: Heard) => Promise<void> | void;
  clock?: Clock;
  fetch?: Fetch;
};

export type WatchRig = Awaited<ReturnType<typeof openWatchRig>>;

/** `await using` stops all of it. alice has `/alice/work/` and `/alice/people/`. */
export async function openWatchRig() {
  const things = new AsyncDisposableStack(), front = things.use(await openTlsFront());
  const radicale = things.use(await startRadicale()), kv = things.use(memoryKvOf(await memoryKv()));
  await radicale.as("alice").makeCalendar("/alice/work/");
  await radicale.as("alice").makeAddressBook("/alice/people/");
  const client = things.use(Deno.createHttpClient({ caCerts: [certificates.ca] }));
  const direct: Fetch = (url, init) => fetch(url, { ...init, client });
  const env = { CARILLON_URL: front.url, CARILLON_PUSH_HOSTS: front.host, CARILLON_UPSTREAM: radicale.url };
  const start = () => testWorker({ env, ca: certificates.ca, serve: tellPort(front.to), kv: kv.kv });
  let worker = await start();
  things.defer(() => worker.stop());
  const headers = { authorization: `Basic ${btoa("alice:alice")}` };

  /** Sends a request of alice's through the worker. */
  async function send(method: string, path: string, body?: string, more: Record<string, string> = {}) {
    const response = await direct(front.url + path, { method, body, headers: { ...headers, ...more } });
    await response.body?.cancel();
    if (response.status >= 300) throw new Error(`${method} ${path}: ${response.status}`);
  }

  /** As another device does, or this one with its headers. */
  const write = (path: string, body: string, more: Record<string, string> = {}) =>
    send("PUT", path, body, { "content-type": "text/calendar", ...more });

  /** The sync-token, as Radicale itself says it. */
  async function tokenOf(path: string): Promise<string> {
    const body = '<propfind xmlns="DAV:"><prop><sync-token/></prop></propfind>';
    const { text } = await radicale.as("alice").request("PROPFIND", path, body, { depth: "0" });
    return /<sync-token>([^<]+)/.exec(text)![1]!;
  }

  /** Our own push service, for whoever has a token. */
  async function ownPushService() {
    return pushService({ url: front.url, token: await accessToken(worker, {}), fetch: direct });
  }

  return {
    front,
    radicale,
    headers,
    fetch: direct,
    send,
    write,
    tokenOf,
    ownPushService,
    get worker() {
      return worker;
    },
    stop: async () => {
      await worker.stop();
      front.cut();
    },
    start: async () => void (worker = await start()),
    /** The same, and Radicale itself while the worker is away: as a proxy in front of both does. */
    fetchOrSkip: (url: string, init: RequestInit) =>
      direct(url, init).catch(() => fetch(url.replace(front.url, radicale.url), init)),
    watch: (given: Given) => startWatch({ url: front.url, fetch: direct, headers }, given),
    [Symbol.asyncDispose]: () => things.disposeAsync(),
  };
}

function memoryKvOf(kv: Deno.Kv) {
  return { kv, [Symbol.dispose]: () => kv.close() };
}

type Base = { url: string; fetch: Fetch; headers: Record<string, string> };

/** Watches, and keeps what it is told. */
export function startWatch({ url, headers, ...base }: Base, { path, changed, ...given }: Given) {
  const heard: Heard[] = [], states: State[] = [], faults: string[] = [];
  const waiting = createWaiting(() => JSON.stringify({ heard, states, faults }));
  const watching = watch({
    ...base,
    ...given,
    url: url + path,
    headers,
    changed: async (collection, syncToken) => {
      heard.push({ collection: collection.replace(url, ""), ...(syncToken !== undefined && { syncToken }) });
      waiting.notify();
      await changed?.(heard.at(-1)!);
    },
    state: (state) => {
      states.push(state);
      waiting.notify();
    },
    reported: ({ code, message }) => {
      faults.push(`${code}: ${message}`);
      waiting.notify();
    },
  });
  return {
    heard,
    states,
    faults,
    watching,
    until: waiting.until,
    untilState: (state: State) => waiting.until(() => states.at(-1) === state || undefined),
    [Symbol.asyncDispose]: () => watching.end(),
  };
}
