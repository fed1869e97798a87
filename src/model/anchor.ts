/**
 * Anchors: what a topic must begin with, so that a pattern can match it at all. Of thousands of patterns only those are
 * asked whose anchor is one of the topic's.
 */

/** What ends literal text in a component of a URLPattern. */
const SPECIAL = /[*:{}()\\+?]/;

/** Of these the paths of patterns and of topics are escaped alike. */
const SCHEMES = ["http", "https"];

/** A group that may be missing, with the slash before it (URL Pattern 2.2), and more than one path behind it. */
const OPTIONAL = /^(?::[^:*{}()\\+?/]*(?:\([^)]*\))?|\([^)]*\)|\*)[?*](?!(?:\/[^*:{}()\\+?]*)?$)/;

/**
 * The anchor of a pattern: origin and folder, without the slashes at its end, since a group may have one as its own. Undefined: it
 * may match anywhere.
 */
export function anchorOf({ protocol, hostname, port, pathname }: URLPattern): string | undefined {
  if (!SCHEMES.includes(protocol) || SPECIAL.test(hostname) || SPECIAL.test(port)) return undefined;
  return originOf(protocol, hostname, port) + folderOf(pathname);
}

function folderOf(pathname: string): string {
  const [literal] = pathname.split(SPECIAL, 1) as [string];
  // Without group and slash what comes behind them continues the segment before.
  const sure = OPTIONAL.test(pathname.slice(literal.length)) ? literal.replace(/\/$/, "") : literal;
  return sure.slice(0, Math.max(0, sure.lastIndexOf("/"))).replace(/\/+$/, "");
}

/** The anchors of all patterns that could match a topic, but for those that have none. */
export function anchorsOf(topic: string, hubUrl: string): string[] {
  const url = URL.parse(topic, hubUrl);
  if (!url) return [];
  const origin = originOf(url.protocol.slice(0, -1), url.hostname, url.port), { pathname } = url;
  const anchors = [origin];
  for (let at = pathname.indexOf("/", 1); at > 0; at = pathname.indexOf("/", at + 1)) {
    anchors.push(origin + pathname.slice(0, at));
  }
  anchors.push(origin + pathname);
  return anchors;
}

const originOf = (protocol: string, hostname: string, port: string) => `${protocol}://${hostname}:${port}`;
