/** Who a caller is: the `current-user-principal` (RFC 5397) that the upstream gives for the caller's credentials. */
import { shortHash } from "../model/short_hash.ts";
import { childOf } from "../wire/xml.ts";
import type { Ask, Asked, Credentials } from "./ask.ts";
import { PRINCIPAL } from "./names.ts";
import { canonicalPath, parentOf } from "./paths.ts";

/** The owner of what a user of the DAV server subscribes to; users of other issuers are others. */
export const ownerOf = (origin: string, principal: string) => shortHash("dav", origin, canonicalPath(principal));

export function principalOf({ properties }: Asked): string | undefined {
  return childOf(properties.get(PRINCIPAL), "{DAV:}href")?.text.trim() || undefined;
}

/**
 * Asks at a path, or above it, where the resource itself cannot be read any more: not every server has its root at `/`.
 * `first` is what was said at the path itself. Rejects when the upstream does not answer.
 */
export async function whoIs(
  ask: Ask,
  path: string,
  credentials: Credentials,
): Promise<{ principal?: string; first: Asked }> {
  const first = await ask(path, credentials, [PRINCIPAL]);
  let asked = first;
  // Wrong credentials are wrong everywhere.
  for (
    let above = parentOf(path);
    asked.status !== 401 && !principalOf(asked) && above !== path;
    above = parentOf(path)
  ) {
    asked = await ask(path = above, credentials, [PRINCIPAL]);
  }
  const principal = principalOf(asked);
  return { first, ...(principal !== undefined && { principal }) };
}
