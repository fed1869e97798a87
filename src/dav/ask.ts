/** Asking the upstream about a resource, with the caller's own credentials: whoever may not read it hears nothing of it. */
import type { IncomingMessage } from "node:http";
import { childOf, parseXml, type XmlNode } from "../wire/xml.ts";
import { printEmpty } from "./names.ts";
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

/** Who asks: the header fields that carry credentials. */
export type Credentials = { authorization?: string; cookie?: string };

export type Ask = (path: string, credentials: Credentials, names: string[]) => Promise<Asked>;

export const credentialsOf = ({ headers: { authorization, cookie } }: IncomingMessage): Credentials => ({
  ...(authorization !== undefined && { authorization }),
  ...(cookie !== undefined && { cookie }),
});

/** Credentials that are good for one method and one address (RFC 7616), or for one connection: nobody can ask in their name. */
export function isBound({ authorization = "" }: Credentials): boolean {
  return /^(?:digest|negotiate|ntlm) /i.test(authorization);
}

/** Rejects when the upstream does not answer. */
export function createAsk(upstream: Upstream, host: string): Ask {
  return async (path, credentials, names) => {
    const props = names.map(printEmpty).join("");
    const body = `<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>${props}</prop></propfind>`;
    const leave = await upstream.turns.enter();
    const { response, text } = await send(upstream, path, { ...credentials, host }, body).finally(leave);
    const status = response.statusCode!;
    const raw = response.rawHeaders;
    const challenges = raw.filter((_, n) => n % 2 === 1 && raw[n - 1]!.toLowerCase() === "www-authenticate");
    return { status, challenges, ...(status === 207 ? read(text) : { properties: new Map() }) };
  };
}

function send(upstream: Upstream, path: string, headers: Record<string, string>, body: string) {
  const { promise, resolve, reject } = Promise.withResolvers<{ response: IncomingMessage; text: string }>();
  const request = upstream.start("PROPFIND", path, { isFresh: true });
  const fields = { ...headers, depth: "0", "content-type": "application/xml; charset=utf-8" };
  for (const [name, value] of Object.entries(fields)) request.setHeader(name, value);
  request.setHeader("content-length", new TextEncoder().encode(body).byteLength);
  request.setHeader("accept-encoding", "identity");
  const timer = setTimeout(() => request.destroy(new UpstreamSilent("it does not answer")), PATIENCE);
  request.on("error", reject);
  request.once("close", () => clearTimeout(timer));
  request.once("response", (response: IncomingMessage) => {
    const decoder = new TextDecoder();
    let text = "";
    response.on("data", (chunk: Uint8Array) => {
      text += decoder.decode(chunk, { stream: true });
      if (text.length > MAX_ANSWER) request.destroy(new Error("its answer is too long"));
    });
    response.on("error", reject);
    response.once("end", () => resolve({ response, text }));
  });
  request.end(body);
  return promise;
}

/** As the errors of sockets, it has a code. */
class UpstreamSilent extends Error {
  readonly code = "ETIMEDOUT";
}

function read(text: string): Pick<Asked, "path" | "properties"> {
  const response = childOf(parseXml(text), "{DAV:}response");
  const href = childOf(response, "{DAV:}href")?.text.trim();
  const found = response?.children.filter((node) => node.name === "{DAV:}propstat" && isOk(statusOf(node))) ?? [];
  const props = found.flatMap((node) => childOf(node, "{DAV:}prop")?.children ?? []);
  return { ...(href && { path: canonicalPath(href) }), properties: new Map(props.map((node) => [node.name, node])) };
}

function statusOf(propstat: XmlNode): string {
  return childOf(propstat, "{DAV:}status")?.text.trim() ?? "";
}
