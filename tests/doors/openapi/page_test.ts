/** The page of the document in a real Chromium. */
import { OPERATIONS } from "../../../src/doors/openapi/document.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { findChromium, startChromium } from "../../helpers/chromium.ts";
import { component } from "../../helpers/component.ts";
import { axeFindings, setTextSize } from "../../helpers/console_page.ts";
import { testWorker } from "../../helpers/worker.ts";

const withChromium = await component("Chromium", findChromium);

const ALL = { CARILLON_ACTIVE_SUBSCRIPTIONS: "true" };

Deno.test("page: it holds no script and asks for nothing, and its policy allows none", async () => {
  await using worker = await testWorker({ env: ALL });
  const response = await fetch(`${worker.url}/-/docs`), html = await response.text();
  const policy = response.headers.get("content-security-policy")!;
  ok(policy.startsWith("default-src 'none'; style-src 'sha256-") && !policy.includes("unsafe"), policy);
  equal(html.match(/<script|<link|<img|<iframe|<form|\son\w+=|\sstyle=|https?:\/\/[^"<]*"\s*>/gi), null);
});

withChromium("page: it shows every operation, wide and narrow, light and dark, without a fault", async (path) => {
  await using worker = await testWorker({ env: ALL });
  await using browser = await startChromium(path);
  const page = await browser.newPage({ viewport: { width: 360, height: 640 }, colorScheme: "light" });
  const faults: string[] = [];
  page.on("console", (message) => void faults.push(message.text()));
  await page.goto(`${worker.url}/-/docs`);
  const shown = await page.locator("article h3").allInnerTexts();
  const expected = OPERATIONS.map(({ method, path, summary }) => `${method.toUpperCase()} ${path}\n${summary}`);
  equal(shown.sort(), expected.sort());
  const background = () => page.evaluate("getComputedStyle(document.querySelector('pre')).backgroundColor");
  const light = await background();
  await page.emulateMedia({ colorScheme: "dark" });
  ok(light !== await background(), `${light}`);
  for (const size of [16, 32]) {
    await setTextSize(page, size);
    for (const width of [320, 360, 1280]) {
      await page.setViewportSize({ width, height: 640 });
      equal(await page.evaluate("document.documentElement.scrollWidth"), width);
    }
  }
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    equal(await axeFindings(page), []);
  }
  equal(faults, []);
});

withChromium("page: the keyboard alone leads past the list, into it, and opens a schema", async (path) => {
  await using worker = await testWorker({ env: ALL });
  await using browser = await startChromium(path);
  const page = await browser.newPage();
  await page.goto(`${worker.url}/-/docs`);
  const at = () => page.evaluate("document.activeElement.textContent.trim()");
  await page.keyboard.press("Tab");
  equal(await at(), "To the operations");
  await page.keyboard.press("Enter");
  equal(new URL(page.url()).hash, "#main");
  for (let tabs = 0; tabs < 50 && !`${await at()}`.startsWith("Schema of"); tabs++) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  equal(await page.locator("details[open]").count(), 1);
});
