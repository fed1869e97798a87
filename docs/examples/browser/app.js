/** The page: signs in, shows what can be watched, watches what is chosen, and lists what changed. */
import { discover } from "./discover.js";
import * as kept from "./kept.js";
import { openSession } from "./session.js";
import { attempt, field, list, refuse, showCollections, showFault, showState } from "./view.js";
import { startWatching } from "./watching.js";

/** What each collection was last known by: what differs when the page is opened again has changed meanwhile. */
const seen = new Map(Object.entries(JSON.parse(localStorage.getItem("seen") ?? "{}")));
let watching, turn = Promise.resolve();

const session = openSession({ signedIn: begin, chosen: restart });

/** Each state of a collection once, by whichever way it is heard of first. */
async function note(url, syncToken = "", at = Date.now()) {
  const isFirst = !seen.has(url);
  if (seen.get(url) === syncToken) return;
  localStorage.setItem("seen", JSON.stringify(Object.fromEntries(seen.set(url, syncToken))));
  const { collections } = await kept.read();
  if (!isFirst) list({ ...collections.find((each) => each.url === url) ?? { name: url }, isGone: !syncToken, at });
}

async function signIn() {
  const url = new URL(field("url").value).href, user = field("user").value;
  const authorization = `Basic ${basic(`${user}:${field("password").value}`)}`;
  const hub = field("hub").value || url, token = field("token").value.trim();
  const found = await discover(url, authorization), before = await kept.read();
  const chosen = new Set(before.collections.filter(({ isChosen }) => isChosen).map((each) => each.url));
  const collections = found.map((each) => ({ ...each, isChosen: chosen.has(each.url) }));
  await kept.write({ url, user, hub: field("hub").value, collections });
  session.set({ authorization, hub, token });
  field("password").value = field("token").value = "";
  await begin();
  field("collections").querySelector("input")?.focus();
}

/** RFC 7617 2.1: in UTF-8. */
const basic = (text) => btoa(String.fromCodePoint(...new TextEncoder().encode(text)));

async function begin() {
  showCollections((await kept.read()).collections);
  await restart();
}

/** One after another, since a watch that ends takes back what the next one registers. */
function restart() {
  return turn = turn.then(async () => {
    await watching?.end();
    const { collections } = await kept.read();
    showCollections(collections);
    showFault("");
    const told = { changed: note, state: showState, reported: ({ code, message }) => showFault(message, code) };
    watching = startWatching({ collections, session: session.get(), told });
    showState(collections.some(({ isChosen }) => isChosen) ? "offline" : "idle");
  }).catch((thrown) => showFault(thrown.message));
}

async function choose() {
  const urls = new Set(new FormData(field("choice")).getAll("collection"));
  if (urls.size === 0) throw new Error("Choose at least one, or unsubscribe.");
  // Asked within the click: browsers refuse to ask at any other time.
  await globalThis.Notification?.requestPermission();
  await keepChosen((url) => urls.has(url));
  await restart();
  session.sayChosen();
}

async function keepChosen(isChosen) {
  const { collections, ...rest } = await kept.read();
  await kept.write({ ...rest, collections: collections.map((each) => ({ ...each, isChosen: isChosen(each.url) })) });
}

/** The push subscription as well that an earlier page has made, and this one has not taken up yet. */
async function leave() {
  await keepChosen(() => false);
  await restart();
  session.sayChosen();
  const registration = await navigator.serviceWorker.getRegistration();
  await (await registration?.pushManager?.getSubscription())?.unsubscribe();
}

/** What was told while no page was open is in the notifications that nobody has touched. */
async function takeNotifications() {
  const shown = await (await navigator.serviceWorker.ready).getNotifications();
  for (const { data } of shown) if (data?.url) await note(data.url, data.syncToken, data.at);
  for (const notification of shown) notification.close();
}

async function start() {
  const { url, user, hub } = await kept.read();
  for (const [id, value] of Object.entries({ url, user, hub })) if (value) field(id).value = value;
  await navigator.serviceWorker.register("sw.js", { type: "module" }).catch(() => {
    throw new Error("The service worker did not start: serve this folder over https or on localhost.");
  });
  await takeNotifications();
}

field("account").addEventListener("submit", attempt(signIn));
field("choice").addEventListener("submit", attempt(choose));
field("leave").addEventListener("click", attempt(leave));
for (const way of ["online", "offline"]) addEventListener(way, () => watching?.look());
if ("serviceWorker" in navigator) await attempt(start)();
else refuse("This browser has no service workers here: open the page over https or on localhost.");
