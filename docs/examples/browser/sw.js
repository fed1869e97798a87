/** Hears the pushes, also while no page is open: `{"push":{"messages":[{"topic", "sync-token", …}]}}`. */

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => event.waitUntil(hear(read(event.data))));

/** A browser wants a notification for each push, also for one that is not Carillon's. */
function read(data) {
  try {
    return data.json().push;
  } catch {
    return { messages: [] };
  }
}

async function hear({ messages }) {
  for (const page of await pages()) page.postMessage({ messages });
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
  const [page] = await pages();
  return page ? await page.focus() : await self.clients.openWindow("./");
}

/** Those as well that were loaded past the service worker. */
function pages() {
  return self.clients.matchAll({ type: "window", includeUncontrolled: true });
}
