/** Hears the pushes, also while no page is open, shows them, and passes them on to the pages. */
import { readPushMessage, relayPush } from "./client.js";
import * as kept from "./kept.js";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  relayPush(event, self.registration.scope);
  event.waitUntil(show(event.data?.text() ?? ""));
});

/** A browser wants a notification for each push, also for one that is not Carillon's. */
async function show(text) {
  const { collections } = await kept.read();
  for (const told of readPushMessage(text)) {
    const found = collections.find(({ topic }) => topic !== undefined && topic === told.topic);
    await notify(found?.name ?? "Calendar push", ...printTold(found, told));
  }
}

/** Without a token it is the first message of a subscription, or about something that only the DAV server knows. */
function printTold(found, { syncToken }) {
  if (!found || !syncToken) return ["Open the page to see how it stands.", { tag: "look" }];
  return ["has changed", { tag: found.url, data: { url: found.url, syncToken, at: Date.now() } }];
}

/** A later change of the same collection replaces the notification. */
function notify(title, body, more) {
  return self.registration.showNotification(title, { body, ...more });
}

// The browser has another subscription now: only a page that is signed in can register it.
self.addEventListener("pushsubscriptionchange", (event) => {
  relayPush(event, self.registration.scope);
  event.waitUntil(notify("Notifications have ended", "Open the page and sign in.", { tag: "subscribed" }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open());
});

async function open() {
  const [page] = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  return page ? await page.focus() : await self.clients.openWindow("./");
}
