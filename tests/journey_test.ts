import type { Browser } from "playwright-core";
import { equal, ok } from "./helpers/assert.ts";
import { findChromium, type Heard, type PageServer, servePage, startChromium } from "./helpers/chromium.ts";
import { component } from "./helpers/component.ts";
import { openStream } from "./helpers/event_source.ts";
import { makePlace, type Place } from "./helpers/main_database.ts";
import { findRadicale, type Radicale, startRadicale } from "./helpers/radicale.ts";
import { untilFile } from "./helpers/radicale_waiting.ts";
import { accessToken, SECRET } from "./helpers/worker.ts";

const PUBLIC = "https://cal.example";
const CALENDAR = "/alice/work/";
const ADDRESS_BOOK = "/alice/people/";
const BOBS = "/bob/work/";

/** Milliseconds, on a machine that may be busy. A hook that waited for Carillon would hold a write up until it is back. */
const MAX_HEARD = 5_000;
const MAX_WRITE = 2_000;

type Main = Awaited<ReturnType<Place["start"]>>;
type Rig = { browser: Browser; pages: PageServer; place: Place; main: Main; radicale: Radicale };

/** Runs with a browser, a worker, and a Radicale that reports to it. */
async function withAll(chromium: string, run: (rig: Rig) => Promise<void>): Promise<void> {
  await using pages = servePage();
  await using browser = await startChromium(chromium);
  await using place = await makePlace({
    CARILLON_ISSUERS: JSON.stringify([{ iss: "radicale", secret: SECRET, topics: [`${PUBLIC}/*`] }]),
    CARILLON_ORIGINS: pages.origin,
  });
  await using main = await place.start();
  await using radicale = await startRadicale({
    hook: { carillon_url: main.url, carillon_secret: SECRET, carillon_topics: PUBLIC },
  });
  await run({ browser, pages, place, main, radicale });
}

async function tokenFor({ place, main }: Rig, path: string): Promise<string> {
  return await accessToken({ url: main.url, local: await place.localIssuer() }, { subscribe: [PUBLIC + path] });
}

/** A page that asks for a collection and for bob's calendar too, with a token for the one collection. */
async function listen(rig: Rig, path: string) {
  const matchers = new URLSearchParams([["match", PUBLIC + path], ["match", PUBLIC + BOBS]]);
  const page = await rig.pages.open(rig.browser, `${rig.main.hub}?${matchers}`, await tokenFor(rig, path));
  await page.untilState("OPEN");

  /** Resolves when it has heard of a change since then, with the milliseconds that this took. */
  async function untilHeard(since: number): Promise<number> {
    const isNew = (event: Heard) => Date.parse(JSON.parse(event.data).timestamp) >= since;
    return (await page.until((events) => events.some(isNew))).find(isNew)!.at - since;
  }

  /** Nothing twice, and of nothing but its own collection. */
  async function check(): Promise<void> {
    const events = await page.heard();
    equal(new Set(events.map(({ id }) => id)).size, events.length);
    for (const { data } of events) equal(JSON.parse(data).topic, PUBLIC + path);
  }

  return { ...page, untilHeard, check };
}

/** Milliseconds. */
async function timed(write: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await write;
  return performance.now() - start;
}

/** How often bob's calendar changed, as bob hears it. */
async function countBobs(rig: Rig): Promise<number> {
  const query = `match=${PUBLIC}${BOBS}&last_event_id=earliest`;
  await using stream = await openStream(rig.main.hub, query, await tokenFor(rig, BOBS));
  await stream.until(() => /^id: .*\n\n/m.test(stream.state.text));
  return stream.events.length;
}

/** Writes that Radicale takes while Carillon is down; answers when the last ones began. */
async function writeWhileDown({ radicale }: Rig): Promise<number> {
  const [alice, bob] = [radicale.as("alice"), radicale.as("bob")];
  const writes = [
    await timed(bob.putEvent(BOBS, "secret 2")),
    await timed(alice.putEvent(CALENDAR, "lunch")),
    await timed(alice.putCard(ADDRESS_BOOK, "ben")),
  ];
  const last = Date.now();
  writes.push(await timed(alice.putEvent(CALENDAR, "dinner")), await timed(alice.putCard(ADDRESS_BOOK, "cleo")));
  console.log(`journey: writes while Carillon was down: ${writes.map((ms) => ms.toFixed(0)).join(", ")} ms`);
  ok(Math.max(...writes) < MAX_WRITE, `writes took ${writes} ms`);
  return last;
}

const test = await component("Radicale or Chromium", async () => ({
  chromium: await findChromium(),
  radicale: await findRadicale(),
}));

test("journey: a change in Radicale rings in a page at once, and after a crash of Carillon too", ({ chromium }) =>
  withAll(chromium, async (rig) => {
    const { radicale, main, place } = rig;
    const [alice, bob] = [radicale.as("alice"), radicale.as("bob")];
    await Promise.all([alice.makeCalendar(CALENDAR), alice.makeAddressBook(ADDRESS_BOOK), bob.makeCalendar(BOBS)]);
    const [calendar, addressBook] = await Promise.all([listen(rig, CALENDAR), listen(rig, ADDRESS_BOOK)]);

    await bob.putEvent(BOBS, "secret");
    const event = Date.now();
    await alice.putEvent(CALENDAR, "party");
    const eventHeard = await calendar.untilHeard(event);
    const card = Date.now();
    await alice.putCard(ADDRESS_BOOK, "ann");
    const cardHeard = await addressBook.untilHeard(card);
    console.log(`journey: from the start of a PUT to the page: event ${eventHeard} ms, card ${cardHeard} ms`);
    ok(Math.max(eventHeard, cardHeard) < MAX_HEARD, `heard after ${eventHeard} ms and ${cardHeard} ms`);

    await main.end("SIGKILL");
    await Promise.all([calendar.untilState("CONNECTING"), addressBook.untilState("CONNECTING")]);
    const last = await writeWhileDown(rig);
    const spool = `${radicale.data}/.carillon-spool.jsonl`;
    await untilFile(spool, (text) => [CALENDAR, ADDRESS_BOOK, BOBS].every((path) => text.includes(PUBLIC + path)));

    // The pages come back by themselves, and the hook does.
    await using _second = await place.start(main.port);
    await Promise.all([
      calendar.untilHeard(last),
      addressBook.untilHeard(last),
      untilFile(spool, (text) => text === ""),
    ]);
    const removed = Date.now();
    await alice.remove(`${CALENDAR}party.ics`);
    await calendar.untilHeard(removed);

    ok(await countBobs(rig) >= 2, "bob's changes were published");
    await Promise.all([calendar.check(), addressBook.check()]);
  }));
