/** What the page and its service worker both know: who it is, the collections, and which are watched. Never a password. */
const NAME = "carillon", KEY = "/kept";

/** Answers `{url, user, hub, collections}`. */
export async function read() {
  const found = await (await caches.open(NAME)).match(KEY);
  return found ? await found.json() : { collections: [] };
}

export async function write(kept) {
  await (await caches.open(NAME)).put(KEY, Response.json(kept));
}
