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
async function openPage(context: BrowserContext, origin: string, { address, keys }: TestSubscription): Promise<Page> {
  await context.grantPermissions(["notifications"], { origin });
  const json = JSON.stringify({ endpoint: address, expirationTime: null, keys });
  await context.addInitScript(`
    let subscription = null;
    PushManager.prototype.getSubscription = async () => subscription;
    PushManager.prototype.subscribe = async (options) => {
      if (!options.userVisibleOnly || options.applicationServerKey.length !== 87) throw new TypeError("bad options");
      return subscription = { toJSON: () => (${json}), unsubscribe: async () => (subscription = null, true) };
    };
  `);
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE);
  await page.goto(origin);
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

async function withPage(
  chromium: string,
  run: (
    rig: {
      page: Page;
      browser: Browser;
      origin: string;
      pair: Awaited<ReturnType<typeof openPair>>;
      client: TestSubscription;
    },
  ) => Promise<void>,
): Promise<void> {
  await using example = serveExample();
  await using pair = await openPair({ env: { CARILLON_ORIGINS: example.origin } });
  await using browser = await startChromium(chromium);
  const client = pair.service.subscribe();
  const page = await openPage(await browser.newContext(), example.origin, client);
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
