/** Bad updates, the Mercure protocol's "Publication". */
import { bytes, COOKIE, EVENT_DATA, HUB, type Kit, NOT_UTF8, type Row } from "../../helpers/bad_input.ts";
import { grant } from "../../helpers/tokens.ts";
import { DOORS } from "./tokens.ts";

const form = (...fields: [name: string, value: string][]) => new URLSearchParams(fields).toString();
const update = (name: string, value: string, details?: unknown) => async (k: Kit) =>
  k.update(form(["topic", "a"], ["data", EVENT_DATA], [name, value]), details ? await k.token(details) : undefined);
const text = (body: string | Uint8Array<ArrayBuffer>) => (k: Kit) => k.update(body);
const cookie = (headers: Record<string, string>) => async (k: Kit) =>
  DOORS.update(k, { cookie: `${COOKIE}=${await k.mayAll()}`, ...headers });
const listener = [grant(["subscribe"], [{ match: "*" }])];
const topicsA = [grant(["publish"], [{ match: "a" }])];
const name = (value: string) =>
  JSON.stringify(value).slice(0, 12).replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`);

const IDS = [
  " a",
  "a ",
  "a\nb",
  "a\0",
  "\x1b",
  "\x7f",
  "\x85",
  "\u00ad",
  "\u200b",
  "\u202e",
  "#a",
  "earliest",
];
const TYPES = ["a\nb", "a\r", "a\0", "\x7f", "\x9f", "\u00ad", "\u2060", "mercure"];
const RETRIES = ["-1", "1.5", "1e3", "0x1", "ten", " 1", "٣"];

/** One longer than it may be. */
const LONG = { topic: "t".repeat(1025), id: "i".repeat(1025), type: "y".repeat(1025), retry: "9".repeat(10) };

export const UPDATES: Row[] = [
  ["a cookie without Origin or Referer", 403, "origin_refused", cookie({})],
  ["a cookie with a foreign Referer", 403, "origin_refused", cookie({ referer: "https://evil.example/a" })],
  ["a token without a grant", 403, "insufficient_scope", update("x", "y", [])],
  ["a token that may only listen", 403, "insufficient_scope", update("x", "y", listener)],
  ["an alternate topic without a grant", 403, "insufficient_scope", update("topic", "b", topicsA)],
  ["no topic", 400, "bad_topic", text(form(["data", EVENT_DATA]))],
  ["an empty body", 400, "bad_topic", text("")],
  ["an empty topic", 400, "bad_topic", update("topic", "")],
  ["the topic of all topics", 400, "bad_topic", update("topic", "*")],
  ["a topic of the hub's own", 400, "bad_topic", update("topic", `${HUB}/subscriptions/a`)],
  ["a topic with a control character", 400, "bad_topic", update("topic", "a\u0085b")],
  ["a topic of another host's hub", 400, "bad_topic", update("topic", `https://other.example${HUB}/subscriptions/a`)],
  ["a topic that spells the hub's path", 400, "bad_topic", update("topic", "/.well-known/%6Dercure")],
  ...IDS.map((id): Row => [`the id ${name(id)}`, 400, "bad_request", update("id", id)]),
  ...TYPES.map((type): Row => [`the type ${name(type)}`, 400, "bad_request", update("type", type)]),
  ...RETRIES.map((retry): Row => [`the retry ${name(retry)}`, 400, "bad_request", update("retry", retry)]),
  ["an escape that is not UTF-8", 400, "bad_request", text("topic=a&data=%FF")],
  ["a truncated escape", 400, "bad_request", text("topic=a&data=%E2%8")],
  ["a body that is not UTF-8", 400, "bad_request", text(NOT_UTF8)],
  ["21 topics", 413, "too_large", text("topic=a&".repeat(21))],
  ...Object.entries(LONG).map((
    [field, value],
  ): Row => [`an overlong ${field}`, 413, "too_large", update(field, value)]),
  ["an event over 48 KiB", 413, "too_large", text(`topic=a&data=${"x".repeat(49 * 1024)}`)],
  ["a body over the limit", 413, "too_large", text(`topic=a&data=${"x".repeat(160 * 1024)}`)],
  [
    "JSON",
    415,
    "wrong_type",
    async (k) => k.post(HUB, "application/json", '{"topic":"a"}', { authorization: `Bearer ${await k.mayAll()}` }),
  ],
  [
    "no content type",
    415,
    "wrong_type",
    async (k) =>
      k.send(HUB, { method: "POST", body: bytes("topic=a"), headers: { authorization: `Bearer ${await k.mayAll()}` } }),
  ],
];
