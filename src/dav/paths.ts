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
    // Escapes that are none are the server's business; what no target can hold is escaped.
    return segment.toWellFormed().replace(/[^\x21-\x7e]/gu, encodeURIComponent);
  }
}

/** The collection that a resource is in; of a collection, the one above. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/", path.length - 2) + 1) || "/";
}
