/** Which resources have push, and what of theirs (draft-bitfire-webdav-push, "CalDAV and CardDAV"). */
import type { Triggers } from "../model/subscription.ts";
import { ADDRESS_BOOK, CALENDAR, SCHEDULING } from "./names.ts";

/** What clients can be told of a resource: that its members changed, that its properties did. */
export type Pushable = { content: boolean; property: boolean };

/** `types` are Clark names; `isHome`: it is where the collections of a user are. Undefined: it has no push. */
export function pushableOf(types: Iterable<string>, isHome: boolean): Pushable | undefined {
  const all = new Set(types), isShown = all.has(CALENDAR) || all.has(ADDRESS_BOOK);
  const content = isShown || isHome || SCHEDULING.some((type) => all.has(type));
  const property = isShown || all.has("{DAV:}principal");
  return content || property ? { content, property } : undefined;
}

/** What of the triggers the resource has; undefined when that is none of them. */
export function supported({ content, property }: Triggers, pushable: Pushable): Triggers | undefined {
  const kept = { ...(pushable.content && content && { content }), ...(pushable.property && property && { property }) };
  return kept.content || kept.property ? kept : undefined;
}
