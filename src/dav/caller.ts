/** Who a caller is, and where the caller's collections are: what has the home set of the user's principal for its address. */
import { forgetOldest } from "../model/forget_oldest.ts";
import { shortHash } from "../model/short_hash.ts";
import { type Ask, type Asked, callerOf, type Credentials } from "./ask.ts";
import { HOME_SETS, PRINCIPAL } from "./names.ts";
import { canonicalPath } from "./paths.ts";
import { principalOf } from "./principal.ts";

/** Milliseconds that an answer is kept: homes hardly ever move. */
const LIFE = 5 * 60_000;

/** Users whose answers are kept. */
const MAX_KNOWN = 10_000;

/** `homes` are paths; nothing is in it when the upstream does not say. */
export type Caller = { principal?: string; homes: Set<string> };

/** Who has the credentials, as the upstream says it at a path. */
export type FindCaller = (credentials: Credentials, path: string) => Promise<Caller>;

type Deps = { ask: Ask; now: () => number };

export function createFindCaller({ ask, now }: Deps): FindCaller {
  const known = new Map<string, { caller: Caller; until: number }>();
  // Of this process alone: nobody can try passwords on it.
  const secret = crypto.randomUUID();

  return async (credentials, path) => {
    const key = shortHash(secret, callerOf(credentials)), found = known.get(key);
    if (found && found.until > now()) return found.caller;
    const caller = await findCaller(ask, credentials, path).catch((): Caller => ({ homes: new Set() }));
    known.delete(key);
    if (caller.homes.size > 0) known.set(key, { caller, until: now() + LIFE });
    forgetOldest(known, MAX_KNOWN);
    return caller;
  };
}

async function findCaller(ask: Ask, credentials: Credentials, path: string): Promise<Caller> {
  const asked = await ask(path, credentials, [PRINCIPAL, ...HOME_SETS]), principal = principalOf(asked);
  if (principal === undefined) return { homes: homesIn(asked) };
  const own = canonicalPath(principal);
  return { principal, homes: homesIn(asked.path === own ? asked : await ask(own, credentials, HOME_SETS)) };
}

function homesIn({ properties }: Asked): Set<string> {
  const sets = HOME_SETS.flatMap((name) => properties.get(name)?.children ?? []);
  return new Set(sets.filter(({ name }) => name === "{DAV:}href").map(({ text }) => canonicalPath(text.trim())));
}
