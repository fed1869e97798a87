/** `GET /.well-known/mercure`: Server-Sent Events, the Mercure protocol's "Subscription". */
import type { Context, Handler } from "hono";
import type { Broker } from "../broker/broker.ts";
import type { Reader } from "../broker/audience.ts";
import type { OpenStream } from "../broker/sink.ts";
import { CarillonError } from "../errors.ts";
import { type Bearer, hasGrant, isGranted, ownerOf } from "../model/grant.ts";
import { compileMatcher, type Matcher, type MatchType, MAX_MATCHERS, MAX_PATTERNS } from "../model/matcher.ts";
import { shortHash } from "../model/short_hash.ts";
import { hasHiddenCharacters } from "../model/topic.ts";
import { decodeHeader, encodeHeader } from "../wire/header_text.ts";
import { parseUrlencoded } from "../wire/urlencoded.ts";
import { type BearerDeps, findBearer, insufficientScope, missingToken } from "./bearer.ts";

/** Where the route leaves what the server is to do with the socket once the headers are out. */
export type StreamEnv = { open?: OpenStream };

const MATCHERS = new Map<string, MatchType>([["match", "exact"], ["match_exact", "exact"], [
  "match_urlpattern",
  "urlpattern",
]]);

const MAX_ID_LENGTH = 1024;

/** Proxies must neither buffer nor transform a stream. */
export const STREAM_HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

type Deps =
  & BearerDeps
  & Pick<Broker, "seats" | "locate" | "announce" | "admit">
  & { hubUrl: string; anonymous: boolean };

export function streamDoor(deps: Deps): Handler<{ Bindings: StreamEnv }> {
  return async (c) => {
    // Before anything that costs: of a worker that is full everybody asks.
    deps.seats.check();
    const bearer = await findBearer(c, deps);
    checkMayListen(bearer, deps.anonymous);
    const owner = bearer && ownerOf(bearer);
    deps.seats.checkOwner(owner);
    const query = parseUrlencoded(rawQuery(c));
    const reader = readReader(query, bearer, deps.hubUrl);
    const cursor = readCursor(c, query);
    const located = cursor === undefined ? undefined : await deps.locate(cursor);
    const start = {
      from: located?.from,
      lost: located?.lost ?? false,
      expiresAt: bearer?.expiresAt ?? Infinity,
      owner,
    };
    if (c.req.method !== "HEAD") {
      await deps.announce(reader.matchers);
      c.env.open = deps.admit(reader, start);
    }
    return c.body(null, 200, {
      ...STREAM_HEADERS,
      ...(cursor !== undefined && { "mercure-last-event-id": start.lost ? "earliest" : encodeHeader(cursor) }),
    });
  };
}

function checkMayListen(bearer: Bearer | undefined, anonymous: boolean): void {
  if (anonymous || (bearer && hasGrant(bearer, "subscribe"))) return;
  if (!bearer) throw missingToken();
  throw insufficientScope("the stream was refused: the token holds no grant to subscribe");
}

function rawQuery(c: Context): string {
  const at = c.req.url.indexOf("?");
  return at < 0 ? "" : c.req.url.slice(at + 1);
}

function readReader(query: [string, string][], bearer: Bearer | undefined, hubUrl: string): Reader {
  const matchers = readMatchers(query, hubUrl);
  const rights = bearer ? shortHash(bearer.iss, JSON.stringify(bearer.grants)) : "";
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

/** The header beats the query (Mercure, "Reconciliation"). */
function readCursor(c: Context, query: [string, string][]): string | undefined {
  const header = c.req.header("last-event-id");
  const cursor = header !== undefined ? decodeHeader(header) : query.find(([name]) => name === "last_event_id")?.[1];
  if (cursor === undefined || cursor === "") return undefined;
  if (cursor.length > MAX_ID_LENGTH || hasHiddenCharacters(cursor)) {
    throw new CarillonError("bad_cursor", "the last event id was refused: it is no id that was ever sent");
  }
  return cursor;
}
