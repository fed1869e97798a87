/** The example page in a real Chromium (tests/helpers/example_page.ts). */
import type { Page } from "playwright-core";
import { equal, ok } from "../helpers/assert.ts";
import { findChromium } from "../helpers/chromium.ts";
import { component } from "../helpers/component.ts";
import { eventually } from "../helpers/eventually.ts";
import { choose, openExample, signIn, untilState } from "../helpers/example_page.ts";

const test = await component("Chromium", findChromium);

const CHANGED = "Work has changed";
const listed = (page: Page) => page.locator("#changes li").count();
const untilListed = (page: Page, count: number) => page.waitForSelector(`#changes li >> nth=${count - 1}`);

test("example: what was chosen is shown live, by notification while the page is closed, and when it is opened again", async (chromium) => {
  await using example = await openExample(chromium);
  const page = await example.open(), { worker, alice } = example;
  await signIn(page, { url: worker.url, token: await example.token() });
  await page.waitForSelector("#choice");
  equal(await page.locator("#collections label").allInnerTexts(), ["People\naddress book", "Work\ncalendar"]);
  const colour = "getComputedStyle(document.querySelectorAll('.dot')[1]).backgroundColor";
  equal(await page.evaluate(colour), "rgb(27, 94, 155)");
  await choose(page, "Work");
  await untilState(page, "push");
  await example.untilSent(1);
  await alice.putEvent("/alice/work/", "live");
  await page.waitForSelector(`#changes >> text=${CHANGED}`);
  await example.untilSent(2);
  // Nobody has chosen it.
  await alice.putCard("/alice/people/", "somebody");

  await page.close();
  const { deliver, beside } = await example.deliverer();
  await deliver(example.messages()[0]!);
  await alice.putEvent("/alice/work/", "away");
  await example.untilSent(3);
  await deliver(example.messages()[2]!);
  await eventually("a notification of each", async () => (await example.shown(beside)).length === 2);
  equal((await example.shown(beside)).sort(), ["Work: Open the page to see how it stands.", "Work: has changed"]);

  const again = await example.open();
  await again.waitForSelector(`#changes >> text=${CHANGED}`);
  equal([await listed(again), await example.shown(beside), await example.stored()], [1, [], 1]);
  await signIn(again, { url: worker.url });
  await untilState(again, "push");
  await alice.putEvent("/alice/work/", "back");
  await example.untilSent(4);
  await deliver(example.messages()[3]!);
  await untilListed(again, 2);
  equal([await listed(again), await example.stored()], [2, 1]);
});

test("example: forty tabs sign in once and open one stream, and unsubscribing in one ends it in all", async (chromium) => {
  await using example = await openExample(chromium);
  const streams: string[] = [];
  example.context.on("request", (request) => {
    if (request.url().includes("/.well-known/mercure") && request.method() === "GET") streams.push(request.url());
  });
  const first = await example.open();
  await signIn(first, { url: example.worker.url, token: await example.token() });
  await choose(first, "Work", "People");
  await untilState(first, "push");
  const tabs = [first, ...await Promise.all(Array.from({ length: 39 }, () => example.open()))];
  await Promise.all(tabs.map((tab) => untilState(tab, "push")));
  await example.alice.putEvent("/alice/work/", "one");
  await Promise.all(tabs.map((tab) => tab.waitForSelector(`#changes >> text=${CHANGED}`)));
  equal([streams.length, await example.stored()], [1, 2]);

  await tabs.at(-1)!.click("#leave");
  await Promise.all(tabs.map((tab) => untilState(tab, "idle")));
  equal([await example.stored(), await first.evaluate('localStorage.getItem("push")')], [0, null]);
});

test("example: without a network it is offline, and comes back with what it missed", async (chromium) => {
  await using example = await openExample(chromium);
  const page = await example.open();
  await signIn(page, { url: example.worker.url, token: await example.token() });
  await choose(page, "Work");
  await untilState(page, "push");
  await example.context.setOffline(true);
  await untilState(page, "offline");
  await example.alice.putEvent("/alice/work/", "missed");
  await example.context.setOffline(false);
  await page.waitForSelector(`#changes >> text=${CHANGED}`);
  await untilState(page, "push");
});

test("example: who does not allow notifications has the stream, and without a token is told what to do", async (chromium) => {
  await using example = await openExample(chromium, { allowed: false });
  const page = await example.open();
  await signIn(page, { url: example.worker.url });
  await choose(page, "Work");
  await untilState(page, "poll");
  await page.waitForSelector("#fault >> text=Allow notifications for this page");
  await page.waitForSelector("#notify >> text=Notifications are not allowed");
  await page.reload();
  await signIn(page, { url: example.worker.url, token: await example.token() });
  await untilState(page, "push");
  equal(await example.stored(), 0);
});

test("example: what goes wrong is said with what to do, and no password is kept", async (chromium) => {
  await using example = await openExample(chromium);
  const page = await example.open(), { url } = example.worker;
  await signIn(page, { url, password: "wrong-password" });
  await page.waitForSelector("#fault >> text=check user and password");
  await signIn(page, { url: "http://localhost:1/" });
  await page.waitForSelector("#fault >> text=CARILLON_ORIGINS");
  await signIn(page, { url: `${url}/alice/nothing/` });
  await page.waitForSelector("#fault >> text=no DAV server at this address");
  const password = "s3cret-of-the-tests";
  await signIn(page, { url, password });
  await page.waitForSelector("#fault >> text=check user and password");
  await signIn(page, { url });
  await choose(page, "Work");
  await untilState(page, "push");
  const kept = await page.evaluate<string>(KEPT);
  ok(kept.includes("/alice/work/"), kept);
  for (const secret of [password, btoa("alice:alice")]) ok(!kept.includes(secret), secret);
});

const KEPT = `caches.match("/kept").then((found) => found.text()).then((text) =>
  text + JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage }))`;

test("example: nothing is cut off from a phone to a desk, in the dark, and all can be done by keyboard", async (chromium) => {
  await using example = await openExample(chromium);
  const page = await example.open();
  await checkLayout(page, "out");
  await signIn(page, { url: example.worker.url, token: await example.token() });
  await choose(page, "Work");
  await untilState(page, "push");
  await example.alice.putEvent("/alice/work/", "one");
  await untilListed(page, 1);
  await checkLayout(page, "in");
  // From the top: the two collections, the button, which takes back what was chosen here by the space bar.
  await page.focus("#collections input");
  await page.keyboard.press("Space");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  equal(await page.evaluate("document.activeElement.textContent"), "Watch");
  await page.keyboard.press("Enter");
  await example.untilSent(3);
  equal(await page.locator("#collections :checked").count(), 2);
});

/** Every field has a name, and nothing is wider than the window; with screenshots where somebody wants them. */
async function checkLayout(page: Page, name: string): Promise<void> {
  const unnamed = "[...document.querySelectorAll('input')].filter(({ labels }) => labels.length === 0).length";
  equal(await page.evaluate(unnamed), 0);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [320, 360, 800, 1600]) {
      await page.setViewportSize({ width, height: 900 });
      const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth") as number;
      ok(overflow <= 0, `${width}: ${overflow}`);
      const folder = Deno.env.get("CARILLON_SCREENSHOTS");
      if (folder) await page.screenshot({ path: `${folder}/example-${name}-${colorScheme}-${width}.png` });
    }
  }
}
