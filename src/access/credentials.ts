/** How a request brings its token: a header, or our cookie where the Origin allows it; never the URL. */
import { getCookie } from "hono/cookie";
import type { Context } from "hono";
import { CarillonError } from "../errors.ts";

export const COOKIE = "__Secure-mercure_access_token";

/** Names under which tokens were put into URLs by older protocols. */
const URL_TOKENS = ["authorization", "access_token", "token", "jwt"];

/**
 * The bearer token of a request. The header wins, also one of another scheme, which brings none; and a cookie is not looked
 * at where `cookies` is false. Throws `token_in_url`, `bad_request` or `origin_refused`.
 */
export function readToken(
  c: Context,
  { origins, cookies }: { origins: Set<string>; cookies: boolean },
): string | undefined {
  if (c.req.url.includes("?")) refuseUrlTokens(new URL(c.req.url).searchParams);
  const header = c.req.header("authorization");
  if (header !== undefined) return readBearerHeader(header);
  const cookie = cookies ? getCookie(c, COOKIE) : undefined;
  if (cookie !== undefined) checkOrigin(c, origins);
  return cookie;
}

function refuseUrlTokens(query: URLSearchParams): void {
  const name = [...query.keys()].find((key) => URL_TOKENS.includes(key.toLowerCase()));
  if (name) throw new CarillonError("token_in_url", `a token was refused, it stood in the URL: ${name}`, MALFORMED);
}

// RFC 6750 3.1: how the token is presented is wrong, not the token.
const MALFORMED = { "www-authenticate": 'Bearer error="invalid_request"' };

function readBearerHeader(header: string): string | undefined {
  const [, token] = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(header) ?? [];
  if (token || !/^Bearer(?:\s|$)/i.test(header)) return token;
  const message = "the Authorization header was refused: it is not of the form Bearer TOKEN";
  throw new CarillonError("bad_request", message, MALFORMED);
}

/**
 * A cookie counts only with a matching Origin. Browsers leave it out on a same-origin GET, whose answer no other
 * page can read; a POST without one falls back to Referer (Mercure, "Cookie").
 */
function checkOrigin(c: Context, origins: Set<string>): void {
  const origin = c.req.header("origin");
  if (origin === undefined && c.req.method === "GET") return;
  const from = origin ?? URL.parse(c.req.header("referer") ?? "")?.origin;
  if (from === undefined || !origins.has(from)) {
    throw new CarillonError("origin_refused", `a cookie was refused from the origin: ${from ?? "none"}`);
  }
}
