/** CORS (Fetch Standard 3.2) at the DAV door, for the pages of `CARILLON_ORIGINS` alone. */
import type { IncomingMessage, ServerResponse } from "node:http";

const METHODS = "GET, HEAD, POST, PUT, DELETE, PROPFIND, PROPPATCH, REPORT, MKCOL, MKCALENDAR, COPY, MOVE";
const SENT = "authorization, content-type, depth, destination, if-match, if-none-match, overwrite, prefer, " +
  "push-client-id, push-dont-notify";
const SHOWN = "dav, etag, link, location, retry-after, schedule-tag, www-authenticate";

/** Seconds that a browser may remember what it was allowed. */
const MAX_AGE = "600";

/**
 * Answers whether the request was a preflight, which is answered then: it comes without credentials, so that a DAV server
 * refuses it. Without `Access-Control-Allow-Credentials`: a page has to send the user's password itself, and can use
 * nothing that the browser keeps. What the DAV server says of CORS replaces what is said here.
 */
export function createCors(origins: string[]) {
  const allowed = new Set(origins);

  return ({ method, headers }: IncomingMessage, outgoing: ServerResponse): boolean => {
    if (headers.origin === undefined || !allowed.has(headers.origin)) return false;
    outgoing.setHeader("Access-Control-Allow-Origin", headers.origin);
    outgoing.setHeader("Access-Control-Expose-Headers", SHOWN);
    outgoing.setHeader("Vary", "Origin");
    if (method !== "OPTIONS" || headers["access-control-request-method"] === undefined) return false;
    outgoing.setHeader("Access-Control-Allow-Methods", METHODS);
    outgoing.setHeader("Access-Control-Allow-Headers", SENT);
    outgoing.setHeader("Access-Control-Max-Age", MAX_AGE);
    outgoing.writeHead(204).end();
    return true;
  };
}
