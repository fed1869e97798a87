/** Paths of DAV resources: the same one may be written in several ways. */

/** The path of a target or an href, with one way to write each character. */
export function canonicalPath(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, "").replace(/[?#].*$/s, "") || "/";
  return path.split("/").map(canonicalSegment).join("/");
}

function canonicalSegment(segment: string): string {
  try {
    return encodeURIComponent(decodeURIComponent(segment));
  } catch {
    return segment; // escapes that are none are the server's business
  }
}

/** The collection that a resource is in; of a collection, the one above. */
export function parentOf(path: string): string {
  return path.replace(/[^/]*\/?$/, "") || "/";
}
