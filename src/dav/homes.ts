/** Where a user's collections are: what has the home set of the user's principal for its address. */
import { shortHash } from "../model/short_hash.ts";
import { type Ask, type Asked, callerOf, type Credentials } from "./ask.ts";
import { HOME_SETS, PRINCIPAL } from "./names.ts";
import { canonicalPath } from "./paths.ts";
import { principalOf } from "./principal.ts";

/** Milliseconds that an answer is kept: homes hardly ever move. */
const LIFE = 5 * 60_000;

/** Users whose answers are kept. */
const MAX_KNOWN = 10_000;

/** The paths of the homes of whoever has the credentials; none when the upstream does not say. */
export type FindHomes = (credentials: Credentials, path: string) => Promise<Set<string>>;

type Deps = { ask: Ask; now: () => number };

export function createFindHomes({ ask, now }: Deps): FindHomes {
  const known = new Map<string, { homes: Set<string>; until: number }>();
  // Of this process alone: nobody can try passwords on it.
  const secret = crypto.randomUUID();

  return async (credentials, path) => {
    const key = shortHash(secret, callerOf(credentials)), found = known.get(key);
    if (found && found.until > now()) return found.homes;
    const homes = await findHomes(ask, credentials, path).catch(() => new Set<string>());
    known.delete(key);
    if (homes.size > 0) known.set(key, { homes, until: now() + LIFE });
    if (known.size > MAX_KNOWN) known.delete(known.keys().next().value!);
    return homes;
  };
}

async function findHomes(ask: Ask, credentials: Credentials, path: string): Promise<Set<string>> {
  const asked = await ask(path, credentials, [PRINCIPAL, ...HOME_SETS]);
  const principal = principalOf(asked);
  if (!principal || asked.path === canonicalPath(principal)) return homesIn(asked);
  return homesIn(await ask(canonicalPath(principal), credentials, HOME_SETS));
}

function homesIn({ properties }: Asked): Set<string> {
  const sets = HOME_SETS.flatMap((name) => properties.get(name)?.children ?? []);
  return new Set(sets.filter(({ name }) => name === "{DAV:}href").map(({ text }) => canonicalPath(text.trim())));
}
