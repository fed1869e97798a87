/** One app in many tabs of a real browser. */
import type { Page } from "playwright-core";
import { equal, ok } from "../../helpers/assert.ts";
import { findChromium, startChromium } from "../../helpers/chromium.ts";
import { component } from "../../helpers/component.ts";
import { serveTabs } from "../../helpers/tabs.ts";

const test = await component("Chromium", findChromium);

const TABS = 40;

/** Resolves when each has been told so much. */
const untilHeard = (pages: Page[], count: number) =>
  Promise.all(pages.map((page) => page.waitForFunction(`globalThis.heard?.length >= ${count}`)));
const untilState = (pages: Page[], state: string) =>
  Promise.all(pages.map((page) => page.waitForFunction(`globalThis.watching?.state === "${state}"`)));
const heardBy = (pages: Page[]) => Promise.all(pages.map((page) => page.evaluate<string[]>("heard")));

test("client tabs: forty tabs share one stream and one look, each is told once, and another takes over when that tab is closed", async (chromium) => {
  await using server = await serveTabs();
  await using browser = await startChromium(chromium);
  const context = await browser.newContext(), [first] = [await server.open(context)];
  await untilState([first], "push");
  const others = await Promise.all(Array.from({ length: TABS - 1 }, () => server.open(context)));
  await untilState(others, "push");
  server.change();
  await untilHeard([first, ...others], 2);
  equal((await heardBy([first, ...others])).filter((heard) => heard.join() !== "1,2"), []);
  equal([server.counts.streams, server.isOpen()], [1, 1]);
  ok(server.counts.looks <= 4, `${server.counts.looks}`);

  await first.close();
  await server.until(() => server.counts.streams === 2 && server.isOpen() === 1);
  server.change();
  await untilHeard(others, 3);
  equal((await heardBy(others)).filter((heard) => heard.join() !== "1,2,3"), []);
  await untilState(others, "push");
  equal(server.counts.streams, 2);
});

test("client tabs: a tab that is frozen loses the lead to one that runs, and follows that when it thaws", async (chromium) => {
  await using server = await serveTabs();
  await using browser = await startChromium(chromium);
  const context = await browser.newContext(), speed = 60;
  const frozen = await server.open(context, { speed });
  await untilState([frozen], "push");
  const other = await server.open(context, { speed });
  await untilState([other], "push");
  const session = await context.newCDPSession(frozen);
  // Nothing in it runs. A headless browser freezes no page by itself: for it all are visible.
  await session.send("Debugger.enable");
  await session.send("Debugger.pause");
  await server.until(() => server.counts.streams === 2);
  server.change();
  await untilHeard([other], 2);

  await session.send("Debugger.resume");
  await untilHeard([frozen], 2);
  await server.until(() => server.isOpen() === 1);
  server.change();
  await untilHeard([frozen, other], 3);
  equal(await heardBy([frozen, other]), [["1", "2", "3"], ["1", "2", "3"]]);
  equal([server.counts.streams, server.isOpen()], [2, 1]);
});
