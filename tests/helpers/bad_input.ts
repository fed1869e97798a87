/** Sends bad input to a real worker, and looks at all that it could have done: answer, journal, log, metrics. */
import { exportJWK } from "jose";
import { equal } from "./assert.ts";
import { readJournal } from "./journal.ts";
import { readRefusal, type Refusal } from "./refusal.ts";
import { accessClaims, grant, type Header, type Key, setClaims, sign } from "./tokens.ts";
import { witness } from "./witness.ts";
import { freshKey, SECRET, type TestWorker, testWorker } from "./worker.ts";

export const ADMIN_TOKEN = "the-admin-token-of-the-tests";
export const COOKIE = "__Secure-mercure_access_token";
export const HUB = "/.well-known/mercure";
export const SET_TYPE = "application/secevent+jwt";
export const FORM_TYPE = "application/x-www-form-urlencoded";

export const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
export const NOT_UTF8 = new Uint8Array([...bytes('{"push": "'), 0xff, 0xfe, ...bytes('"}')]);

/** Stands in the data of events, and nowhere else. */
export const EVENT_DATA = "the-data-of-an-event";

const bounded = await freshKey("ES256");
const stranger = await freshKey("EdDSA");

/** Besides the local issuer: one that is bounded to a host, and one with a shared secret. */
const ISSUERS = JSON.stringify([
  {
    iss: "bounded",
    jwks: { keys: [{ ...await exportJWK(bounded.publicKey), kid: "b" }] },
    topics: ["https://dav.example/*"],
  },
  { iss: "shared", secret: SECRET, topics: ["*"] },
]);

/** What is sent, and what must come back. */
export type Row = [what: string, status: number, code: string, send: (kit: Kit) => Promise<Response>];

export type Kit = Awaited<ReturnType<typeof openKit>>;

/** A worker, keys, and ways to send; every secret that is used is kept in mind. */
export async function openKit() {
  const seen = witness();
  const worker = await testWorker({
    env: { CARILLON_ISSUERS: ISSUERS, CARILLON_ADMIN_TOKEN: ADMIN_TOKEN, CARILLON_ORIGINS: "https://app.example" },
  });
  const { url, local } = worker;
  for (const secret of [ADMIN_TOKEN, SECRET, EVENT_DATA, await privatePart(worker.kv)]) seen.keep(secret);

  async function set(claims: Record<string, unknown> = {}, header: Partial<Header> = {}, key: Key = local.privateKey) {
    return seen.keep(await sign(key, { alg: "EdDSA", typ: "secevent+jwt", ...header }, setClaims(url, claims)));
  }

  async function token(details: unknown, claims: Record<string, unknown> = {}, header: Partial<Header> = {}) {
    const whole = { alg: "EdDSA", typ: "at+jwt", ...header };
    return seen.keep(await sign(local.privateKey, whole, accessClaims(url, details, claims)));
  }

  const mayAll = () => token([grant(["publish", "subscribe"], [{ match: "*" }])]);

  const send = (path: string, init: RequestInit & { headers?: Record<string, string> } = {}) => fetch(url + path, init);
  const post = (path: string, type: string, body: BodyInit, headers: Record<string, string> = {}) =>
    send(path, { method: "POST", body, headers: { "content-type": type, ...headers } });

  /** Posts with a token that may do everything, or the one given. */
  const bearing = async (path: string, type: string, body: BodyInit, bearer?: string) =>
    await post(path, type, body, { authorization: `Bearer ${bearer ?? await mayAll()}` });

  return {
    url,
    worker,
    seen,
    keys: {
      local: local.privateKey,
      public: local.jwks.keys[0]!,
      bounded: bounded.privateKey,
      stranger: stranger.privateKey,
    },
    set,
    token,
    mayAll,
    send,
    event: (body: BodyInit) => post("/-/events", SET_TYPE, body),
    gateway: (body: BodyInit, bearer?: string) => bearing("/-/gateway", "application/json", body, bearer),
    update: (body: BodyInit, bearer?: string) => bearing(HUB, FORM_TYPE, body, bearer),
    listen: async (query: string, bearer?: string, headers: Record<string, string> = {}) =>
      await send(`${HUB}?${query}`, { headers: { authorization: `Bearer ${bearer ?? await mayAll()}`, ...headers } }),
    post,
    [Symbol.asyncDispose]: async () => {
      await worker.stop();
      seen[Symbol.dispose]();
    },
  };
}

/** The local issuer's private key as it stands in the database. */
async function privatePart(kv: Deno.Kv): Promise<string> {
  const { value } = await kv.get<{ text: string }>(["local_issuer"]);
  return JSON.parse(value!.text).d;
}

/** Reads an answer, whatever it is; a stream is left at once. */
export async function readAnswer(kit: Kit, response: Response): Promise<Refusal> {
  const { status, headers } = response;
  if (headers.get("content-type") === "text/event-stream" && response.body) {
    await response.body.cancel();
    return { status, headers, code: "a stream", text: "" };
  }
  const text = await response.text();
  kit.seen.hear(text + JSON.stringify([...headers]));
  return status < 400 ? { status, headers, code: "accepted", text } : readRefusal({ status, headers, text });
}

/** Whether anything was stored, or any secret was said. */
export async function checkNothingHappened(kit: Kit): Promise<void> {
  equal(await readJournal(kit.worker as TestWorker), []);
  for (const prefix of ["subscription", "by_topic", "by_owner", "count", "ends", "initial"]) {
    equal(await Array.fromAsync(kit.worker.kv.list({ prefix: [prefix] })), []);
  }
  await checkNothingSaid(kit);
}

export async function checkNothingSaid(kit: Kit): Promise<void> {
  kit.seen.hear(await kit.worker.metrics.registry.metrics());
  kit.seen.testify();
}
