/** The console in a real Chromium. */
import type { Page } from "playwright-core";
import { equal, ok } from "../helpers/assert.ts";
import { findChromium, startChromium } from "../helpers/chromium.ts";
import { component } from "../helpers/component.ts";
import { ADMIN_TOKEN, consoleWorker } from "../helpers/console.ts";
import { axeFindings, checkLayout, inEachForm, openConsole, setTextSize, WIDTHS } from "../helpers/console_page.ts";
import { accessToken, ring, type TestWorker } from "../helpers/worker.ts";

const TOPIC = `https://dav.example/${"a-long-name/".repeat(20)}`;

const test = await component("Chromium", findChromium);

/** Whatever is done, nothing of it may be against the page's own policy. */
async function withConsole(
  chromium: string,
  run: (page: Page, worker: TestWorker, violations: string[]) => Promise<void>,
) {
  await using worker = await consoleWorker({ env: { CARILLON_PUSH_HOSTS: "127.0.0.1:1" } });
  await using browser = await startChromium(chromium);
  const violations: string[] = [], page = await openConsole(browser, worker.url, violations);
  await run(page, worker, violations);
  equal(violations, []);
}

async function login(page: Page): Promise<void> {
  await page.waitForSelector("#token:focus");
  await page.keyboard.type(ADMIN_TOKEN);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#now");
  // With its style, which is asked for anew.
  await page.waitForLoadState("load");
}

/** Something in every part of the page: a webhook that nobody answers, what was refused, what was heard. */
async function fill(page: Page, worker: TestWorker): Promise<void> {
  const token = await accessToken(worker, { subscribe: ["*"] });
  const body = JSON.stringify({
    transport: "https://www.standardwebhooks.com/",
    endpoint: "https://127.0.0.1:1/hook",
    keys: { secret: `whsec_${btoa("k".repeat(32))}` },
    topics: [TOPIC],
  });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  await (await fetch(`${worker.url}/-/subscriptions`, { method: "POST", body, headers })).body?.cancel();
  await (await fetch(`${worker.url}/-/${"nowhere".repeat(20)}`)).body?.cancel();
  await page.fill("#listen-match", "*");
  await page.press("#listen-match", "Enter");
  await page.waitForSelector("text=Listening to *");
  await ring(worker, TOPIC);
  await page.waitForSelector("#heard li");
  await page.waitForSelector("#details >> text=The first message, or that of a new key, failed");
}

/** What has the focus, which must be seen. */
async function focused(page: Page): Promise<string> {
  const [id, outline] = await page.evaluate(
    "[document.activeElement.id || document.activeElement.textContent, getComputedStyle(document.activeElement).outlineStyle]",
  ) as [string, string];
  equal(outline, "solid", id);
  return id;
}

test("console: by keyboard alone one logs in, listens, rings, hears it, stops and logs out", (chromium) =>
  withConsole(chromium, async (page) => {
    const { keyboard } = page, order: string[] = [await focused(page)];
    await login(page);
    const tab = async (key = "Tab") => (await keyboard.press(key), order.push(await focused(page)));
    for (let n = 0; n < 5; n++) await tab();
    await keyboard.type("https://dav.example/*");
    await keyboard.press("Enter");
    await page.waitForSelector("text=Listening to https://dav.example/*");
    for (let n = 0; n < 3; n++) await tab("Shift+Tab");
    await keyboard.type("https://dav.example/<b>work</b>/");
    await keyboard.press("Enter");
    await page.waitForSelector("#ring-state >> text=Committed at");
    await page.waitForSelector("#heard strong >> text=https://dav.example/<b>work</b>/");
    for (let n = 0; n < 5; n++) await tab();
    await keyboard.press("Enter");
    await page.waitForSelector("text=Not listening.");
    for (let n = 0; n < 6; n++) await tab("Shift+Tab");
    await keyboard.press("Enter");
    await page.waitForSelector("#token");
    const there = ["Log out", "ring-topic", "ring-priority", "Ring", "listen-match"];
    const back = ["Ring", "ring-priority", "ring-topic"],
      on = ["ring-priority", "Ring", "listen-match", "Listen", "stop"];
    equal(order, [
      "token",
      ...there,
      ...back,
      ...on,
      "Listen",
      "listen-match",
      "Ring",
      "ring-priority",
      "ring-topic",
      "Log out",
    ]);
  }));

test("console: figures come by themselves; what goes wrong is said, and goes when it is over", (chromium) =>
  withConsole(chromium, async (page) => {
    await login(page);
    await page.fill("#listen-match", "*");
    await page.press("#listen-match", "Enter");
    await page.waitForSelector("#now .tile:first-child .figure >> text=1");
    await page.fill("#listen-match", "https://*{");
    await page.press("#listen-match", "Enter");
    await page.waitForSelector("#listen-state.bad >> text=a matcher was refused");
    await page.evaluate("document.querySelector('#ring').noValidate = true");
    await page.fill("#ring-priority", "101");
    await page.press("#ring-priority", "Enter");
    await page.waitForSelector("#ring-state.bad >> text=priority");
    const cookies = await page.context().cookies();
    await page.context().clearCookies();
    await page.waitForSelector("#stale >> text=Log in at /-/console");
    await page.context().addCookies(cookies);
    await page.waitForSelector("#stale:empty", { state: "attached" });
  }));

test("console: it listens again by itself when the worker is back", (chromium) =>
  withConsole(chromium, async (page) => {
    await login(page);
    await page.route("**/listen?*", (route) => route.abort(), { times: 1 });
    await page.fill("#listen-match", "*");
    await page.press("#listen-match", "Enter");
    await page.waitForSelector("#listen-state.bad >> text=The worker does not answer");
    await page.waitForSelector("#listen-state:not(.bad) >> text=Listening to *");
  }));

test("console: axe-core finds nothing, nothing overlaps and nothing is cut off, in light, dark and each width", (chromium) =>
  withConsole(chromium, async (page, worker) => {
    const folder = Deno.env.get("CARILLON_SCREENSHOTS");
    const look = (what: string, withAxe = true) =>
      inEachForm(page, async (form) => {
        await checkLayout(page, `${what} ${form}`);
        if (withAxe) equal(await axeFindings(page), [], `${what} ${form}`);
        if (folder) await page.screenshot({ path: `${folder}/console-${what}-${form}.png`, fullPage: true });
      });
    await look("out");
    await page.fill("#token", "wrong");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#fault");
    await look("wrong", false);
    await login(page);
    await look("empty", false);
    await fill(page, worker);
    await look("full");
  }));

test("console: at 320 px, and with text of twice the size, nothing is cut off and nothing goes sideways", (chromium) =>
  withConsole(chromium, async (page, worker) => {
    await login(page);
    await fill(page, worker);
    await page.setViewportSize({ width: 320, height: 900 });
    await checkLayout(page, "at 320 px");
    await setTextSize(page, 32);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      await checkLayout(page, `with large text at ${width} px`);
    }
  }));

test("console: a script or a style that somebody smuggles into the page does nothing", (chromium) =>
  withConsole(chromium, async (page, _worker, violations) => {
    await login(page);
    await page.evaluate(`document.querySelector("#now").innerHTML =
      "<img src=x: onerror='document.title = 1'><p style='color: rgb(1, 2, 3)' onclick='document.title = 2'>a</p>"`);
    await page.click("#now p");
    const color = await page.evaluate("getComputedStyle(document.querySelector('#now p')).color");
    equal([await page.title(), color === "rgb(1, 2, 3)"], ["Carillon console", false]);
    ok(violations.splice(0).length >= 3);
  }));

test("console: nothing moves for whoever wants it so", (chromium) =>
  withConsole(chromium, async (page) => {
    const moving =
      "[...document.querySelectorAll('*')].filter((each) => parseFloat(getComputedStyle(each).transitionDuration) > 0).length";
    await page.emulateMedia({ reducedMotion: "no-preference" });
    ok(await page.evaluate(moving) as number > 0);
    await page.emulateMedia({ reducedMotion: "reduce" });
    equal(await page.evaluate(moving), 0);
  }));
