/**
 * The example page in a real Chromium, before a real Radicale behind a worker. The browser's own push service needs its
 * vendor's servers: the page is given a subscription of our push service, and what that decrypts is delivered to the real
 * service worker.
 */
import { extname } from "node:path";
import type { Browser, BrowserContext, CDPSession, Page } from "playwright-core";
import { startChromium } from "./chromium.ts";
import { openAll } from "./dav_push.ts";
import type { TestSubscription } from "./push_service.ts";
import { bundleClient } from "./tabs.ts";
import { accessToken } from "./worker.ts";

const FOLDER = new URL("../../docs/examples/browser/", import.meta.url);
const BLUE = '<propertyupdate xmlns="DAV:"><set><prop>' +
  '<calendar-color xmlns="http://apple.com/ns/ical/">#1b5e9bff</calendar-color></prop></set></propertyupdate>';
const TYPES: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

/** Milliseconds. */
const DEADLINE = 20_000;

/** As the README serves it. */
function serveExample(client: string) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async ({ url }) => {
    const name = new URL(url).pathname.slice(1) || "index.html";
    // Chromium asks for it where a page names no icon.
    if (name === "favicon.ico") return new Response(null, { status: 404 });
    const text = name === "client.js" ? client : await Deno.readTextFile(new URL(name, FOLDER));
    return new Response(text, { headers: { "content-type": TYPES[extname(name)]! } });
  });
  return { origin: `http://localhost:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** The browser's part of Web Push (Push API 6 and 7), which outlives a page. */
function pushManagerOf({ address, keys }: TestSubscription): string {
  return `
    const json = ${JSON.stringify({ endpoint: address, expirationTime: null, keys })};
    const make = (key) => key && {
      options: { applicationServerKey: Uint8Array.from(JSON.parse(key)).buffer },
      toJSON: () => json,
      unsubscribe: async () => (localStorage.removeItem("push"), true),
    };
    PushManager.prototype.permissionState = async () => Notification.permission;
    PushManager.prototype.getSubscription = async () => make(localStorage.getItem("push"));
    PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey: key }) => {
      if (!userVisibleOnly || key.length !== 65) throw new TypeError("bad options");
      localStorage.setItem("push", JSON.stringify([...key]));
      return make(localStorage.getItem("push"));
    };`;
}

/** alice has a calendar "Work", blue, and an address book "People". `await using` ends all of it. */
export async function openExample(chromium: string, { allowed = true } = {}) {
  const things = new AsyncDisposableStack();
  const { origin } = things.use(serveExample(await bundleClient()));
  const all = things.use(await openAll({}, { CARILLON_ORIGINS: origin }));
  await all.radicale.as("alice").rename("/alice/work/", "Work");
  await all.radicale.as("alice").rename("/alice/people/", "People");
  await all.radicale.as("alice").request("PROPPATCH", "/alice/work/", BLUE, { "content-type": "application/xml" });
  const browser: Browser = things.use(await startChromium(chromium));
  const context = await browser.newContext(), device = all.service.subscribe();
  await context.grantPermissions(allowed ? ["notifications"] : [], { origin });
  await context.addInitScript(pushManagerOf(device));

  async function open(path = "/"): Promise<Page> {
    const page = await context.newPage();
    page.setDefaultTimeout(DEADLINE);
    await page.goto(origin + path);
    return page;
  }

  const token = (match: string) => accessToken(all.worker, { subscribe: [{ match, match_type: "urlpattern" }] });
  const messages = () => all.service.messages(device).map(({ text }) => text);
  return {
    ...all,
    origin,
    context,
    open,
    /** A token for the event stream. */
    token: (path = "/alice/*") => token(all.worker.url + path),
    messages,
    /** Waits until so many messages were sent to the browser. */
    untilSent: async (count: number) => void await all.service.until(() => messages().length >= count),
    shown: (page: Page) => page.evaluate<string[]>(SHOWN),
    deliverer: () => createDelivery(context, origin, open),
    [Symbol.asyncDispose]: () => things.disposeAsync(),
  };
}

const SHOWN = `navigator.serviceWorker.getRegistration("/").then((found) => found.getNotifications())
  .then((all) => all.map(({ title, body }) => title + ": " + body))`;

/**
 * What delivers a push to the service worker, as the browser does when its push service brings one, and `beside`, a page of
 * the origin that is not the example's.
 */
async function createDelivery(context: BrowserContext, origin: string, open: (path: string) => Promise<Page>) {
  const beside = await open("/style.css"), session = await context.newCDPSession(beside);
  const registrationId = await registrationOf(session);
  // Before it is active there is nobody to deliver to.
  await beside.evaluate("navigator.serviceWorker.ready.then(() => true)");
  const deliver = async (data: string) =>
    void await session.send("ServiceWorker.deliverPushMessage", { origin, registrationId, data });
  return { deliver, beside };
}

async function registrationOf(session: CDPSession): Promise<string> {
  const registered = Promise.withResolvers<string>();
  session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
    if (registrations[0]) registered.resolve(registrations[0].registrationId);
  });
  await session.send("ServiceWorker.enable");
  return await registered.promise;
}

export async function signIn(
  page: Page,
  { url, user = "alice", password = "alice", token = "" }: {
    url: string;
    user?: string;
    password?: string;
    token?: string;
  },
): Promise<void> {
  await page.fill("#url", url);
  await page.fill("#user", user);
  await page.fill("#password", password);
  if (token) {
    await page.evaluate("document.querySelector('details').open = true");
    await page.fill("#token", token);
  }
  await page.click("#account button");
}

export async function choose(page: Page, ...names: string[]): Promise<void> {
  for (const name of names) await page.check(`label:has-text("${name}") input`);
  await page.click("#choice button:not([type])");
}

export const untilState = (page: Page, state: string) => page.waitForSelector(`#state[data-state="${state}"]`);
