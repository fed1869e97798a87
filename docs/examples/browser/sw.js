/** Hears the pushes, also while no page is open: `{"push":{"messages":[{"topic", "sync-token", …}]}}`. */

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => event.waitUntil(hear(event.data?.json().push ?? { messages: [] })));

async function hear({ messages }) {
  for (const page of await self.clients.matchAll({ type: "window" })) page.postMessage({ messages });
  if (messages.length === 0) await notify("Subscribed", "You will be told of changes.", "subscribed");
  for (const { topic } of messages) await notify("Changed", topic, topic);
}

/** A later change of the same topic replaces the notification. */
function notify(title, body, tag) {
  return self.registration.showNotification(title, { body, tag });
}

// The browser has another subscription now, which Carillon does not know: only the page has a token to tell it.
self.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(notify("Subscription ended", "Open the page and subscribe again.", "subscribed"));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open());
});

async function open() {
  const [page] = await self.clients.matchAll({ type: "window" });
  return page ? await page.focus() : await self.clients.openWindow("./");
}
