/** Looking at the collections of a home: one PROPFIND of Depth 1, by the service account. */
import { childOf, type XmlNode } from "../wire/xml.ts";
import { type Credentials, parseAnswer, propertiesOf, sendPropfind, syncTokenOf, typesOf } from "./ask.ts";
import { RESOURCE_TYPE, SYNC_TOKEN } from "./names.ts";
import { canonicalPath } from "./paths.ts";
import { pushableOf } from "./pushable.ts";
import type { Upstream } from "./upstream.ts";

/** Bytes of an answer: some ten thousand collections. */
const MAX_ANSWER = 8 * 1024 * 1024;

/** Changes with every change of the members; older than sync-tokens, and on more servers. */
const CTAG = "{http://calendarserver.org/ns/}getctag";

/** A collection with the token that stands for its state; `state` is that or, where there is none, its ctag. */
export type Member = { path: string; token?: string; state: string };

/** What a look came to; `milliseconds` is how long the server took, `retryAfter` what it asked for. */
export type Look = { status: number; members: Member[]; milliseconds: number; retryAfter?: string };

export type LookAtHome = (path: string) => Promise<Look>;

type Deps = { upstream: Upstream; host: string; credentials: Credentials; elapsed: () => number };

/** Rejects when the upstream does not answer, or not in XML. */
export function createLookAtHome({ upstream, host, credentials, elapsed }: Deps): LookAtHome {
  return async (path) => {
    const started = elapsed();
    const names = [RESOURCE_TYPE, SYNC_TOKEN, CTAG];
    const { response, text } = await sendPropfind(upstream, path, { ...credentials, host }, {
      names,
      depth: "1",
      most: MAX_ANSWER,
    });
    const status = response.statusCode!, retryAfter = response.headers["retry-after"];
    const members = status === 207 ? readMembers(text) : [];
    return { status, members, milliseconds: elapsed() - started, ...(retryAfter !== undefined && { retryAfter }) };
  };
}

function readMembers(text: string): Member[] {
  return parseAnswer(text).children.filter(({ name }) => name === "{DAV:}response").flatMap(readMember);
}

/** Only what has members of its own that somebody may be told of. */
function readMember(response: XmlNode): Member[] {
  const href = childOf(response, "{DAV:}href")?.text.trim(), properties = propertiesOf(response);
  const token = syncTokenOf(properties), state = token ?? properties.get(CTAG)?.text.trim();
  if (!href || !state || !pushableOf(typesOf(properties), false)?.content) return [];
  return [{ path: canonicalPath(href), state, ...(token !== undefined && { token }) }];
}
