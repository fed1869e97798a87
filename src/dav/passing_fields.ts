/** Header fields on their way through the proxy: what is dropped, added and changed. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { COOKIE } from "../access/credentials.ts";
import { SESSION_COOKIE } from "../access/sessions.ts";
import { endToEnd, type Field, valuesOf } from "./raw_headers.ts";

/** What says how a body is sent. */
const FRAMING = /^(?:content-length|accept-encoding)$/i;

/** As OPTIONS says it (draft-bitfire-webdav-push). */
const PUSH = "webdav-push";

/** What the upstream is sent; `body` stands for the client's own, where its answer will be rewritten. */
export function requestFields(
  { rawHeaders, headers, socket }: IncomingMessage,
  publicUrl: URL,
  body: Uint8Array | undefined,
): Field[] {
  const came = endToEnd(rawHeaders);
  const fields = came.flatMap(withoutOurs).filter(([name]) => !body || !FRAMING.test(name));
  // What is read as it passes must not be compressed.
  if (body) fields.push(["Content-Length", [`${body.byteLength}`]], ["Accept-Encoding", ["identity"]]);
  if (headers["transfer-encoding"] !== undefined) fields.push(["Transfer-Encoding", ["chunked"]]);
  fields.push(["X-Forwarded-For", [forwardedFor(came, socket)]]);
  fields.push(["X-Forwarded-Host", [publicUrl.host]], ["X-Forwarded-Proto", [publicUrl.protocol.slice(0, -1)]]);
  return fields;
}

/** Whom a request came through, the client first. */
export function forwardedFor(came: Field[], socket: Socket): string {
  return [...valuesOf(came, "x-forwarded-for"), socket.remoteAddress ?? "unknown"].join(", ");
}

/** What the client is sent. A server that knows its own address alone, which is `inside`, leads nobody past us. */
export function answerFields(
  { rawHeaders }: IncomingMessage,
  { publicUrl, inside, isRewritten }: { publicUrl: URL; inside: string; isRewritten: boolean },
): Field[] {
  // Some servers know that they have our host, and not that it is https.
  const origins = [inside, `http://${publicUrl.host}`];
  const toPublic = (value: string) => {
    const origin = origins.find((origin) => value.startsWith(`${origin}/`));
    return origin === undefined ? value : publicUrl.origin + value.slice(origin.length);
  };
  return endToEnd(rawHeaders).filter(([name]) => !isRewritten || !FRAMING.test(name)).map(([name, values]) =>
    /^(?:content-)?location$/i.test(name) ? [name, values.map(toPublic)] : [name, values]
  );
}

/** RFC 4918 10.1: what a resource can do. Where there are other lines of it this is one more. */
export function advertise(fields: Field[]): Field[] {
  return fields.map(([name, values]) => {
    const isDav = name.toLowerCase() === "dav" && !values.join().includes(PUSH);
    return isDav ? [name, [...values, PUSH]] : [name, values];
  });
}

/** What a browser keeps of ours: cookies know no ports, so that a DAV server on another one would be sent them, too. */
const OUR_COOKIES = [COOKIE, ...Object.values(SESSION_COOKIE)];

/** Neither who a client says it came through, which is told anew, nor a cookie of ours goes to the upstream. */
function withoutOurs([name, values]: Field): Field[] {
  if (/^x-forwarded-(?:for|host|proto)$/i.test(name)) return [];
  if (name.toLowerCase() !== "cookie" || !values.some(holdsOurs)) return [[name, values]];
  const rest = withoutOurCookie(values.join("; "));
  return rest === "" ? [] : [[name, [rest]]];
}

function holdsOurs(value: string): boolean {
  return OUR_COOKIES.some((name) => value.includes(name));
}

/** Pairs of a `Cookie` field (RFC 6265 4.2). */
export function withoutOurCookie(cookie: string): string {
  return cookie.split(/; */).filter((pair) => !OUR_COOKIES.includes(pair.split("=")[0]!)).join("; ");
}
