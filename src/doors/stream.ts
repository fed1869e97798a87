/** `GET` and `QUERY /.well-known/mercure`: Server-Sent Events, the Mercure protocol's "Subscription". */
import type { Context, Handler, Hono } from "hono";
import type { Broker } from "../broker/broker.ts";
import type { Reader } from "../broker/audience.ts";
import type { OpenStream } from "../broker/sink.ts";
import { CarillonError } from "../errors.ts";
import type { Asked } from "../model/active_subscription.ts";
import { type Bearer, hasGrant, isGranted, ownerOf, payloadOf, rightsOf } from "../model/grant.ts";
import { compileMatcher, type Matcher, type MatchType, MAX_MATCHERS, MAX_PATTERNS } from "../model/matcher.ts";
import { hasHiddenCharacters } from "../model/topic.ts";
import { decodeHeader, encodeHeader } from "../wire/header_text.ts";
import { parseUrlencoded } from "../wire/urlencoded.ts";
import { type BearerDeps, findBearer, insufficientScope, missingToken } from "./bearer.ts";
import { checkType, readText } from "./body.ts";
import { hubLink } from "./discovery.ts";

/** Where the route leaves what the server is to do with the socket once the headers are out. */
export type StreamEnv = { open?: OpenStream };

/** What doors are mounted on. */
export type Routes = Hono<{ Bindings: StreamEnv }>;

const MATCHERS = new Map<string, MatchType>([["match", "exact"], ["match_exact", "exact"], [
  "match_urlpattern",
  "urlpattern",
]]);

export const MAX_ID_LENGTH = 1024;

/** A hundred matchers of 1,024 characters, some of them escaped. */
export const MAX_QUERY_BYTES = 160 * 1024;

/** Proxies must neither buffer nor transform a stream. */
export const STREAM_HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

type Deps =
  & BearerDeps
  & Pick<Broker, "seats" | "head" | "locate" | "announce" | "admit" | "active">
  & { hubUrl: string; anonymous: boolean };

export function streamDoor(deps: Deps): Handler<{ Bindings: StreamEnv }> {
  const headers = { ...STREAM_HEADERS, link: hubLink(deps.hubUrl) };
  return async (c) => {
    // Before anything that costs: of a worker that is full everybody asks.
    deps.seats.check();
    const bearer = await findBearer(c, deps);
    checkMayListen(bearer, deps.anonymous);
    const owner = bearer && ownerOf(bearer);
    deps.seats.checkOwner(owner);
    const parameters = await readParameters(c);
    const reader = readReader(parameters, bearer, deps.hubUrl);
    const given = readCursor(c, parameters);
    // One that is empty asks for what is new.
    const cursor = given === "" ? deps.head() : given;
    const located = cursor === undefined ? undefined : await deps.locate(cursor);
    const start = {
      from: located?.from,
      lost: located?.lost ?? false,
      expiresAt: bearer?.expiresAt ?? Infinity,
      owner,
    };
    if (c.req.method !== "HEAD") {
      await deps.announce(reader.matchers);
      const tracked = deps.active?.track(askedBy(reader.matchers, bearer), owner);
      c.env.open = deps.admit(reader, { ...start, tracked });
    }
    return c.body(null, 200, {
      ...headers,
      ...(cursor !== undefined && { "mercure-last-event-id": start.lost ? "earliest" : encodeHeader(cursor) }),
    });
  };
}

function checkMayListen(bearer: Bearer | undefined, anonymous: boolean): void {
  if (anonymous || (bearer && hasGrant(bearer, "subscribe"))) return;
  if (!bearer) throw missingToken();
  throw insufficientScope("the stream was refused: the token holds no grant to subscribe");
}

/** The union of the query and, of a `QUERY`, its body; what may be there once is first looked for in the query. */
async function readParameters(c: Context): Promise<[string, string][]> {
  const query = parseUrlencoded(rawQuery(c));
  if (c.req.method !== "QUERY") return query;
  checkType(c, "application/x-www-form-urlencoded");
  return [...query, ...parseUrlencoded(await readText(c, MAX_QUERY_BYTES))];
}

function rawQuery(c: Context): string {
  const at = c.req.url.indexOf("?");
  return at < 0 ? "" : c.req.url.slice(at + 1);
}

function readReader(query: [string, string][], bearer: Bearer | undefined, hubUrl: string): Reader {
  const matchers = readMatchers(query, hubUrl);
  const rights = bearer ? rightsOf(bearer) : "";
  return { matchers, rights, mayRead: (topic) => bearer !== undefined && isGranted(bearer, "subscribe", topic) };
}

function readMatchers(query: [string, string][], hubUrl: string): Matcher[] {
  const named = query.filter(([name]) => name.toLowerCase().startsWith("match"));
  const unknown = named.find(([name]) => !MATCHERS.has(name));
  if (unknown) {
    throw new CarillonError("bad_matcher", `a matcher was refused, its kind is unknown: ${unknown[0].slice(0, 100)}`);
  }
  const texts = named.map(([name, match]) => ({ match, type: MATCHERS.get(name)! }));
  const patterns = texts.filter(({ type }) => type === "urlpattern").length;
  if (texts.length === 0) throw new CarillonError("bad_matcher", "the stream was refused: it names no topic to match");
  if (texts.length > MAX_MATCHERS) {
    throw new CarillonError("bad_matcher", `too many matchers: ${texts.length}, at most ${MAX_MATCHERS}`);
  }
  if (patterns > MAX_PATTERNS) {
    throw new CarillonError("bad_matcher", `too many URLPatterns: ${patterns}, at most ${MAX_PATTERNS}`);
  }
  return texts.map((text) => compileMatcher(text, hubUrl));
}

/** Each matcher once, with its payload. */
function askedBy(matchers: Matcher[], bearer: Bearer | undefined): Asked[] {
  const once = new Map(matchers.map(({ match, type }) => [`${type} ${match}`, { match, type }]));
  return [...once.values()].map((each) => {
    const payload = bearer && payloadOf(bearer, each);
    return { ...each, ...(payload && { payload }) };
  });
}

/** The header beats the parameters (Mercure, "Reconciliation"). */
function readCursor(c: Context, parameters: [string, string][]): string | undefined {
  const header = c.req.header("last-event-id");
  const cursor = header !== undefined
    ? decodeHeader(header)
    : parameters.find(([name]) => name === "last_event_id")?.[1];
  if (cursor === undefined) return undefined;
  if (cursor.length > MAX_ID_LENGTH || hasHiddenCharacters(cursor)) {
    throw new CarillonError("bad_cursor", "the last event id was refused: it is no id that was ever sent");
  }
  return cursor;
}
