/** Asking the upstream about a resource, with the caller's own credentials: whoever may not read it hears nothing of it. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { childOf, parseXml, type XmlNode } from "../wire/xml.ts";
import { printEmpty, RESOURCE_TYPE, SYNC_TOKEN } from "./names.ts";
import { forwardedFor, withoutOurCookie } from "./passing_fields.ts";
import { group, valuesOf } from "./raw_headers.ts";
import { canonicalPath } from "./paths.ts";
import { isOk } from "./status.ts";
import type { Upstream } from "./upstream.ts";

/** Bytes of an answer. */
const MAX_ANSWER = 256 * 1024;

/** Milliseconds. Nobody waits at a client's end, and nothing may wait for ever. */
const PATIENCE = 30_000;

/** What the upstream says of a resource; `properties` are those that it has. */
export type Asked = {
  status: number;
  challenges: string[];
  path?: string;
  properties: Map<string, XmlNode>;
};

/** Who asks: the header fields that carry credentials, and where they come from, by which servers count wrong ones. */
export type Credentials = { authorization?: string; cookie?: string; "x-forwarded-for"?: string };

export type Ask = (path: string, credentials: Credentials, names: string[]) => Promise<Asked>;

/** Our own cookie is not among them. */
export function credentialsOf({ rawHeaders, headers, socket }: IncomingMessage): Credentials {
  const { authorization } = headers, cookie = withoutOurCookie(headers.cookie ?? "");
  return {
    ...(authorization !== undefined && { authorization }),
    ...(cookie !== "" && { cookie }),
    "x-forwarded-for": forwardedFor(group(rawHeaders), socket),
  };
}

/** What tells one caller from another. */
export const callerOf = ({ authorization, cookie }: Credentials) => JSON.stringify([authorization, cookie]);

/** Credentials that are good for one method and one address (RFC 7616), or for one connection: nobody can ask in their name. */
export function isBound({ authorization = "" }: Credentials): boolean {
  return /^(?:digest|negotiate|ntlm) /i.test(authorization);
}

/** Rejects when the upstream does not answer. */
export function createAsk(upstream: Upstream, host: string): Ask {
  return async (path, credentials, names) => {
    const asking = { names, depth: "0", most: MAX_ANSWER };
    const { response, text } = await sendPropfind(upstream, path, { ...credentials, host }, asking);
    const status = response.statusCode!, challenges = valuesOf(group(response.rawHeaders), "www-authenticate");
    return { status, challenges, ...(status === 207 ? read(text) : { properties: new Map() }) };
  };
}

/** `most` are the bytes of an answer. */
type Asking = { names: string[]; depth: string; most: number };

/** Sends a PROPFIND, and reads the whole answer. */
export async function sendPropfind(
  upstream: Upstream,
  path: string,
  headers: Record<string, string>,
  { names, depth, most }: Asking,
): Promise<{ response: IncomingMessage; text: string }> {
  const props = names.map(printEmpty).join("");
  const body = `<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>${props}</prop></propfind>`;
  const leave = await upstream.turns.enter();
  try {
    return await send(upstream, path, { ...headers, depth }, body, most);
  } finally {
    leave();
  }
}

function send(upstream: Upstream, path: string, headers: Record<string, string>, body: string, most: number) {
  const { promise, resolve, reject } = Promise.withResolvers<{ response: IncomingMessage; text: string }>();
  const request = upstream.start("PROPFIND", path, { isFresh: true });
  const fields = { ...headers, "content-type": "application/xml; charset=utf-8", "accept-encoding": "identity" };
  for (const [name, value] of Object.entries(fields)) request.setHeader(name, value);
  request.setHeader("content-length", new TextEncoder().encode(body).byteLength);
  const timer = setTimeout(() => request.destroy(new UpstreamFault("it does not answer")), PATIENCE);
  request.on("error", reject);
  request.once("close", () => clearTimeout(timer));
  // 101 without having been asked.
  request.once("upgrade", (_: IncomingMessage, socket: Socket) => {
    reject(new UpstreamFault("it wants to speak something else"));
    socket.destroy();
  });
  request.once("response", (response: IncomingMessage) => {
    response.on("error", reject);
    response.once("aborted", () => reject(new UpstreamFault("it stops in the middle")));
    readText(response, most).then((text) => resolve({ response, text }), reject).finally(() => request.destroy());
  });
  request.end(body);
  return promise;
}

async function readText(response: IncomingMessage, most: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > most) throw new UpstreamFault("its answer is too long");
  }
  return text;
}

/** As the errors of sockets, it has a code. */
class UpstreamFault extends Error {
  readonly code = "ETIMEDOUT";
}

function read(text: string): Pick<Asked, "path" | "properties"> {
  const response = childOf(parseAnswer(text), "{DAV:}response");
  const href = childOf(response, "{DAV:}href")?.text.trim();
  return { ...(href && { path: canonicalPath(href) }), properties: propertiesOf(response) };
}

/** Reads an answer of the upstream. */
export function parseAnswer(text: string): XmlNode {
  try {
    return parseXml(text);
  } catch {
    throw new UpstreamFault("its answer is no XML");
  }
}

/** The properties that a resource has, by name. */
export function propertiesOf(response: XmlNode | undefined): Map<string, XmlNode> {
  const found = response?.children.filter((node) => node.name === "{DAV:}propstat" && isOk(statusOf(node))) ?? [];
  const props = found.flatMap((node) => childOf(node, "{DAV:}prop")?.children ?? []);
  return new Map(props.map((node) => [node.name, node]));
}

/** Clark names of what a resource is. */
export function typesOf(properties: Map<string, XmlNode>): string[] {
  return properties.get(RESOURCE_TYPE)?.children.map(({ name }) => name) ?? [];
}

/** RFC 6578 4. */
export function syncTokenOf(properties: Map<string, XmlNode>): string | undefined {
  return properties.get(SYNC_TOKEN)?.text.trim() || undefined;
}

function statusOf(propstat: XmlNode): string {
  return childOf(propstat, "{DAV:}status")?.text.trim() ?? "";
}
