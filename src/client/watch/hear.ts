/** Making one thing of what looks find and what pushes say: where each collection stands. */
import { isMember, pathOf } from "./address.ts";
import type { Look, Resource } from "./look.ts";
import { readPushMessage, type Told } from "./push_message.ts";
import type { Tell } from "./tell.ts";

/**
 * Milliseconds after a look has found a change in which pushes may be late: gateways wait up to a minute to merge, and a
 * sync-token does not say whether it is older than another.
 */
const LATE = 90_000;

/** What stands for a collection that is not there any more: no token is empty. */
const NOTHING = "";

type Deps = { tell: Tell; elapsed: () => number; lookSoon: () => void };

export function createHear({ tell, elapsed, lookSoon }: Deps) {
  let seen = new Map<string, Resource>(), byTopic = new Map<string, string>();
  const lookedAt = new Map<string, number>();

  /** Begins a look; what it answers takes what was found, and says whether something was new. */
  function begin(): (found: Look) => boolean {
    const counts = new Map([...seen.keys()].map((url) => [url, tell.count(url)]));

    return ({ collections, home, listed }) => {
      const isNew = collections.map((each) => compare(each, counts.get(each.url) ?? tell.count(each.url)));
      const gone = home ? tell.urls().filter((url) => isMissing(url, home.url, listed)).filter(vanish) : [];
      seen = new Map(collections.map((collection) => [collection.url, collection]));
      byTopic = new Map([...collections, ...(home ? [home] : [])].flatMap(topicsOf));
      return gone.length > 0 || isNew.some(Boolean);
    };
  }

  /** It is not there any more; said once, until it is back or the app did not take it. */
  function vanish(url: string): boolean {
    const isNew = !tell.isLast(url, NOTHING);
    if (isNew) tell.tell(url, { mark: NOTHING });
    return isNew;
  }

  function compare({ url, mark, syncToken }: Resource, count: number): boolean {
    if (mark === undefined || tell.isLast(url, mark)) return false;
    // Something was told while the look was on its way: it may be older than that.
    if (tell.count(url) !== count) lookSoon();
    else {
      lookedAt.set(url, elapsed());
      tell.tell(url, { mark, ...(syncToken !== undefined && { syncToken }) });
    }
    return true;
  }

  function takeOne({ topic, syncToken }: Told): void {
    const url = topic === undefined ? undefined : byTopic.get(topic);
    // Of a topic that is not ours there is nothing to do.
    if (topic !== undefined && url === undefined) return;
    if (url === undefined || syncToken === undefined || seen.get(url)?.syncToken === undefined) return lookSoon();
    if (tell.isLast(url, syncToken)) return;
    const isDoubtful = elapsed() - (lookedAt.get(url) ?? -Infinity) < LATE || !tell.isNew(url, syncToken);
    if (isDoubtful) lookSoon();
    else tell.tell(url, { mark: syncToken, syncToken });
  }

  return {
    begin,
    /** The collection that is watched is not there any more. */
    vanish: (url: string) => void (tell.urls().includes(url) && vanish(url)),
    take: (text: string) => readPushMessage(text).forEach(takeOne),
  };
}

/** Of a home; what the server names without saying what it is may be there. */
function isMissing(url: string, home: string, listed: Set<string>): boolean {
  return isMember(url, home) && !listed.has(pathOf(new URL(url)));
}

/** A stream names a collection by its address. */
function topicsOf({ url, push }: Resource): [string, string][] {
  return push ? [[url, url], [push.topic, url]] : [[url, url]];
}
