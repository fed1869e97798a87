/** Watching what was chosen: by the event stream while a page is open, and by Web Push always, where it is allowed. */
import { eventStream, watchInTabs, webPush } from "./client.js";

/** Addresses that a stream takes. */
const MOST = 100;

/** One watch for each home, and in all tabs together one of those. `told` has `changed`, `state` and `reported`. */
export function startWatching({ collections, session, told }) {
  const homes = Map.groupBy(collections.filter(({ isChosen }) => isChosen), ({ home }) => home);
  const watches = [...homes].map(([home, chosen]) => watchHome(home, new Set(chosen.map(({ url }) => url))));

  function watchHome(url, chosen) {
    return watchInTabs({
      url,
      headers: { authorization: session.authorization },
      chosen: (collection) => chosen.has(collection),
      transports: transportsFor(session, [...chosen, url].slice(0, MOST)),
      ...told,
      state: () => told.state(worst()),
    });
  }

  // A stream that is cut off can look alive for a while: the browser knows sooner.
  const worst = () =>
    ["offline", "poll", "push"].find((state) => watches.some((watch) => watch.state === state || !navigator.onLine));

  /** The network has come, or gone. */
  function look() {
    for (const watch of watches) watch.look();
    if (watches.length > 0) told.state(worst());
  }

  return {
    look,
    end: async () => void await Promise.all(watches.map((watch) => watch.end())),
  };
}

/** What is deleted is told as a change of the home. */
function transportsFor({ hub, token }, topics) {
  if (!token) return [webPush()];
  const stream = eventStream({ hub: new URL("/.well-known/mercure", hub).href, token });
  return [both((offer, pace) => stream({ ...offer, topics }, pace), webPush()), stream];
}

/** Heard by the stream, and registered for Web Push, which goes on when the page is closed. */
function both(stream, push) {
  return async (offer, pace) => {
    const away = await push(offer, pace);
    const live = await stream(offer, pace);
    if (!away || !live) return away ?? live;
    // It is open when the stream is: what comes before that is found by the look that follows.
    const hear = (hearing) => Promise.all([away.hear({ ...hearing, onOpen() {} }), hearLive(live, hearing)]);
    return { ...away, hear };
  };
}

/** A stream that is refused for good is said, and leaves the other way to be told. */
async function hearLive(live, hearing) {
  await live.hear(hearing).catch((fault) => {
    hearing.onFault(fault);
    hearing.onOpen();
  });
}
