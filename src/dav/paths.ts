/** Paths of DAV resources: the same one may be written in several ways. */

/** A target as it came, without the origin of the absolute form (RFC 9112 3.2.2). */
export function withoutOrigin(target: string): string {
  return target.replace(/^https?:\/\/[^/?#]*/i, "") || "/";
}

/** The path of a target or an href, with one way to write each character. */
export function canonicalPath(target: string): string {
  const path = withoutOrigin(target).replace(/[?#].*$/s, "") || "/";
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
