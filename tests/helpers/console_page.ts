/** The console in a real browser: how it lies there, and what it does not let happen. */
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { equal } from "./assert.ts";

/** Milliseconds. What the database holds is shown after seven seconds at the latest, on a machine that has nothing else to do. */
const DEADLINE = 30_000;

export const WIDTHS = [360, 800, 1600];

/** Opens the console; what the browser refuses to run or load is kept in `violations`. */
export async function openConsole(browser: Browser, url: string, violations: string[]): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultTimeout(DEADLINE);
  page.on("console", (said) => {
    if (said.text().includes("Content Security Policy")) violations.push(said.text());
  });
  await page.goto(`${url}/-/console`);
  return page;
}

/** Runs for a light and a dark page of each width. */
export async function inEachForm(page: Page, run: (name: string) => Promise<void>): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      await run(`${colorScheme}-${width}`);
    }
  }
}

/** What axe-core finds: the rule, and where. */
export async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(`window.axe || (${JSON.stringify(axe.source)}, (0, eval)(${JSON.stringify(axe.source)}), 0)`);
  return await page.evaluate(
    `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + " " + target)))`,
  );
}

/** Computed from the rectangles of all that is seen. */
const FAULTS = `(() => {
  const faults = [], name = (element) => element.tagName + "#" + element.id + "." + element.className;
  const isSeen = (element) => element.checkVisibility() && element.getClientRects().length > 0;
  if (document.documentElement.scrollWidth > innerWidth) faults.push("it scrolls sideways");
  const panels = [...document.querySelectorAll(".panel")].filter(isSeen);
  const boxes = panels.map((panel) => [panel, panel.getBoundingClientRect()]);
  for (const [a, one] of boxes) for (const [b, other] of boxes) {
    const isApart = one.right <= other.left || other.right <= one.left || one.bottom <= other.top || other.bottom <= one.top;
    if (a !== b && !isApart) faults.push(name(a) + " overlaps " + name(b));
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const element = text.parentElement, around = element.closest(".panel, header, body").getBoundingClientRect();
    if (text.data.trim() === "" || !isSeen(element)) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    for (const { left, right } of range.getClientRects()) {
      if (left < around.left - 0.5 || right > around.right + 0.5) faults.push("cut off: " + text.data);
    }
  }
  return faults;
})()`;

/** Fails where something overlaps, is cut off, or lies beyond the page. */
export async function checkLayout(page: Page, name: string): Promise<void> {
  equal(await page.evaluate(FAULTS), [], name);
}

/** The size of text that a browser was set to, pixels. */
export async function setTextSize(page: Page, standard: number): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Page.setFontSizes", { fontSizes: { standard, fixed: standard } });
  await session.detach();
}
