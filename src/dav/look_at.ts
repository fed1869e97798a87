/** Looking at a resource as the caller sees it, before the caller is told of its changes. */
import { type Ask, type Asked, type Credentials, typesOf } from "./ask.ts";
import type { FindCaller } from "./caller.ts";
import { PRINCIPAL, RESOURCE_TYPE, TRANSPORTS } from "./names.ts";
import { canonicalPath, parentOf } from "./paths.ts";
import { principalOf } from "./principal.ts";
import { type Pushable, pushableOf } from "./pushable.ts";

/** A resource that the caller may read; `path` is the upstream's own spelling of it, `home` where its content is listed. */
export type Found = { path: string; principal?: string; pushable?: Pushable; home?: string; pushesItself: boolean };

/** The caller may not. */
export type Refused = { refused: Asked };

export const isRefused = (found: Found | Refused): found is Refused => "refused" in found;

/** Rejects when the upstream does not answer. */
export async function lookAt(
  { ask, findCaller }: { ask: Ask; findCaller: FindCaller },
  path: string,
  credentials: Credentials,
): Promise<Found | Refused> {
  const asked = await ask(path, credentials, [RESOURCE_TYPE, PRINCIPAL, TRANSPORTS]);
  if (asked.status !== 207) return { refused: asked };
  const own = asked.path ?? canonicalPath(path), principal = principalOf(asked);
  const isHome = (await findCaller(credentials, path)).homes.has(own);
  const pushable = pushableOf(typesOf(asked.properties), isHome);
  return {
    path: own,
    pushesItself: asked.properties.has(TRANSPORTS),
    ...(principal !== undefined && { principal }),
    ...(pushable && { pushable }),
    ...(pushable?.content && { home: isHome ? own : parentOf(own) }),
  };
}
