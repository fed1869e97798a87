/**
 * The example page in a real Chromium. Its browser push service needs the vendor's servers, so that the page is given a
 * subscription of our own push service; what that decrypts is delivered to the real service worker.
 */
import { extname } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { findChromium, startChromium } from "../helpers/chromium.ts";
import { component } from "../helpers/component.ts";
import { equal, ok } from "../helpers/assert.ts";
import { openPair } from "../helpers/subscriber.ts";
import type { TestSubscription } from "../helpers/push_service.ts";
import { accessToken, ring } from "../helpers/worker.ts";

const FOLDER = new URL("../../docs/examples/browser/", import.meta.url);
const TOPIC = "https://example.com/calendars/alice/work/";
const DEADLINE = 15_000;

const TYPES: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

function serveExample() {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async ({ url }) => {
    const { pathname } = new URL(url);
    const name = pathname === "/" ? "index.html" : pathname.slice(1);
    const text = await Deno.readTextFile(new URL(name, FOLDER));
    return new Response(text, { headers: { "content-type": TYPES[extname(name)]! } });
  });
  return { origin: `http://localhost:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** The page with notifications allowed, and the browser's part of Web Push played by our push service. */
async function openPage(
  context: BrowserContext,
  origin: string,
  { address, keys }: TestSubscription,
  { hash = "", allowed = true } = {},
): Promise<Page> {
  await context.grantPermissions(allowed ? ["notifications"] : [], { origin });
  const json = JSON.stringify({ endpoint: address, expirationTime: null, keys });
  await context.addInitScript(`
    let subscription = null;
    PushManager.prototype.getSubscription = async () => subscription;
    PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey: key }) => {
      if (!userVisibleOnly || key.length !== 87) throw new TypeError("bad options");
      // As a browser that was subscribed with another key before (W3C Push API 3.2).
      if (location.hash === "#another-key" && !subscription) subscription = make("another key");
      if (subscription && subscription.key !== key) throw new DOMException("", "InvalidStateError");
      return subscription = make(key);
    };
    function make(key) {
      return { key, toJSON: () => (${json}), unsubscribe: async () => (subscription = null, location.hash = "", true) };
    }
  `);
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE);
  await page.goto(`${origin}/${hash}`);
  return page;
}

/** Delivers a push to the page's service worker, as the browser does when its push service brings one. */
async function createDelivery(page: Page, origin: string): Promise<(data: string) => Promise<void>> {
  const session = await page.context().newCDPSession(page);
  const registered = Promise.withResolvers<string>();
  session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
    if (registrations[0]) registered.resolve(registrations[0].registrationId);
  });
  await session.send("ServiceWorker.enable");
  const registrationId = await registered.promise;
  // Before it is active there is nobody to deliver to.
  await page.evaluate("navigator.serviceWorker.ready.then(() => true)");
  return async (data) => void await session.send("ServiceWorker.deliverPushMessage", { origin, registrationId, data });
}

async function subscribe(page: Page, url: string, token: string): Promise<void> {
  await page.fill("#url", url);
  await page.fill("#token", token);
  await page.click("button[type=submit]");
}

async function notifications(page: Page): Promise<string[]> {
  return await page.evaluate(
    "navigator.serviceWorker.ready.then((r) => r.getNotifications()).then((all) => all.map(({ body }) => body))",
  );
}

type Rig = {
  page: Page;
  browser: Browser;
  origin: string;
  pair: Awaited<ReturnType<typeof openPair>>;
  client: TestSubscription;
};

async function withPage(
  chromium: string,
  run: (rig: Rig) => Promise<void>,
  options?: Parameters<typeof openPage>[3],
): Promise<void> {
  await using example = serveExample();
  await using pair = await openPair({ env: { CARILLON_ORIGINS: example.origin } });
  await using browser = await startChromium(chromium);
  const client = pair.service.subscribe();
  const page = await openPage(await browser.newContext(), example.origin, client, options);
  await run({ page, browser, origin: example.origin, pair, client });
}

const test = await component("Chromium", findChromium);

test("example: the page subscribes, its service worker shows each change, and the page too while it is open", (chromium) =>
  withPage(chromium, async ({ page, origin, pair: { worker, service }, client }) => {
    const deliver = await createDelivery(page, origin);
    await subscribe(page, worker.url, await accessToken(worker, { subscribe: [TOPIC] }));
    await page.waitForSelector("text=Subscribed to one topic until");
    await service.until(() => service.messages(client).length === 1);
    await deliver(service.messages(client)[0]!.text);
    await page.waitForSelector("text=The subscription works.");
    await ring(worker, { topic: TOPIC, "sync-token": "http://sync/7" });
    await service.until(() => service.messages(client).length === 2);
    await deliver(service.messages(client)[1]!.text);
    await page.waitForSelector(`#changes >> text=${TOPIC}`);
    equal((await notifications(page)).sort(), ["You will be told of changes.", TOPIC]);
  }));

test("example: unsubscribing ends the subscription, and the page remembers across a reload which one it has", (chromium) =>
  withPage(chromium, async ({ page, pair: { worker, ask } }) => {
    const token = await accessToken(worker, { subscribe: [TOPIC] });
    await subscribe(page, worker.url, token);
    await page.waitForSelector("text=Subscribed to one topic until");
    await page.reload();
    await page.waitForSelector("text=Subscribed until");
    equal((await (await ask("GET", "/-/subscriptions")).json()).subscriptions.length, 1);
    await page.fill("#token", token);
    await page.click("#leave");
    await page.waitForSelector("text=Not subscribed.");
    equal((await (await ask("GET", "/-/subscriptions")).json()).subscriptions, []);
  }));

test("example: what has ended at Carillon is forgotten here too, and can be subscribed to again", (chromium) =>
  withPage(chromium, async ({ page, pair: { worker, ask } }) => {
    const token = await accessToken(worker, { subscribe: [TOPIC] });
    for (const end of ["#leave", "renew"]) {
      await subscribe(page, worker.url, token);
      await page.waitForSelector("text=Subscribed to one topic until");
      const { subscriptions: [{ location }] } = await (await ask("GET", "/-/subscriptions")).json();
      await (await ask("DELETE", location)).body?.cancel();
      if (end !== "renew") {
        await page.click(end);
        await page.waitForSelector("text=Not subscribed.");
        continue;
      }
      // It ends soon, so that the page renews it as soon as it has a token.
      await page.evaluate(
        `localStorage.setItem("subscription", JSON.stringify({ location: "${location}", expires: new Date() }))`,
      );
      await page.reload();
      await page.fill("#token", token);
      await page.press("#token", "Tab");
      await page.waitForSelector("#state[data-bad] >> text=subscribe again");
    }
  }));

test("example: a subscription that ends soon is renewed when there is a token", (chromium) =>
  withPage(chromium, async ({ page, pair: { worker } }) => {
    const token = await accessToken(worker, { subscribe: [TOPIC] });
    await subscribe(page, worker.url, token);
    await page.waitForSelector("text=Subscribed to one topic until");
    await page.evaluate(`{
      const kept = JSON.parse(localStorage.getItem("subscription"));
      localStorage.setItem("subscription", JSON.stringify({ ...kept, expires: new Date(Date.now() + 3_600_000) }));
    }`);
    await page.reload();
    await page.fill("#token", token);
    await page.press("#token", "Tab");
    await page.waitForSelector("text=Subscribed to one topic until");
    const { expires } = JSON.parse(await page.evaluate('localStorage.getItem("subscription")'));
    ok(Date.parse(expires) - Date.now() > 6 * 24 * 3_600_000);
  }));

test("example: a browser that was subscribed with another key is subscribed anew", (chromium) =>
  withPage(chromium, async ({ page, pair: { worker } }) => {
    await subscribe(page, worker.url, await accessToken(worker, { subscribe: [TOPIC] }));
    await page.waitForSelector("text=Subscribed to one topic until");
  }, { hash: "#another-key" }));

test("example: who does not allow notifications is told so", (chromium) =>
  withPage(chromium, async ({ page, pair: { worker, ask } }) => {
    await subscribe(page, worker.url, await accessToken(worker, { subscribe: [TOPIC] }));
    await page.waitForSelector("#state[data-bad] >> text=Allow notifications");
    equal((await (await ask("GET", "/-/subscriptions")).json()).subscriptions, []);
  }, { allowed: false }));

test("example: a push that is none of Carillon's is shown as one without a change", (chromium) =>
  withPage(chromium, async ({ page, origin }) => {
    const deliver = await createDelivery(page, origin);
    for (const data of ["no JSON", ""]) await deliver(data);
    await page.waitForSelector("text=The subscription works. >> nth=1");
    equal(await notifications(page), ["You will be told of changes."]);
  }));

test("example: what goes wrong is said with what to do", (chromium) =>
  withPage(chromium, async ({ page, pair: { worker } }) => {
    await subscribe(page, worker.url, await accessToken(worker, { subscribe: ["https://example.com/other/"] }));
    await page.waitForSelector("#state[data-bad] >> text=Ask for a token whose grants cover these topics.");
    await subscribe(page, "http://localhost:1", "x");
    await page.waitForSelector("#state[data-bad] >> text=is Carillon running");
  }));

test("example: nothing overlaps and nothing is cut off on a phone, on a desk and in the dark", (chromium) =>
  withPage(chromium, async ({ page }) => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const width of [320, 360, 800, 1600]) {
        await page.setViewportSize({ width, height: 900 });
        const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth") as number;
        ok(overflow <= 0, `${width}: ${overflow}`);
        const folder = Deno.env.get("CARILLON_SCREENSHOTS");
        if (folder) await page.screenshot({ path: `${folder}/example-${colorScheme}-${width}.png` });
      }
    }
    await page.keyboard.press("Tab");
    equal(await page.evaluate("document.activeElement.id"), "url");
  }));
