/** One look at a home: what happened in it that no client of ours did. */
import type { Change } from "../model/change.ts";
import { shortHash } from "../model/short_hash.ts";
import type { Home } from "../store/homes.ts";
import { contentChanges, type How } from "./changes.ts";
import type { Member } from "./members.ts";
import { topicOf } from "./register.ts";

type States = Record<string, string>;

/** `states` are what to compare with the next time; `gone` are collections that were not there the last time either. */
export type Compared = { states: States; changes: Change[]; gone: string[] };

type Deps = How & {
  /** The token that was told last of a topic: what a client of ours wrote is told already. */
  lastToken: (topic: string) => string | undefined;
};

/** The state of what is not there any more: it is told first, and ends with the next look. */
const GONE = "gone";

/** The first look finds nothing: nobody knows what was there before. */
export function compare({ path, states: before }: Home, members: Member[], { lastToken, ...how }: Deps): Compared {
  const states: States = Object.fromEntries(members.map((member) => [member.path, shortHash(member.state)]));
  if (!before) return { states, changes: [], gone: [] };
  const missing = Object.keys(before).filter((path) => !(path in states));
  const ended = missing.filter((path) => before[path] !== GONE);
  const isTold = ({ token, path }: Member) => token !== undefined && lastToken(topicOf(how.origin, path)) === token;
  const changed = members.filter((each) => each.path in before && before[each.path] !== states[each.path]);
  const isOther = ended.length > 0 || members.some((member) => !(member.path in before));
  const told = [...changed.filter((member) => !isTold(member)), ...(isOther ? [{ path }] : [])];
  for (const path of ended) states[path] = GONE;
  const gone = missing.filter((path) => before[path] === GONE);
  return { states, gone, changes: told.length > 0 ? contentChanges(told, ended, how) : [] };
}
