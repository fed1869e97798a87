import type { Browser } from "playwright-core";
import { equal } from "./helpers/assert.ts";
import {
  findChromium,
  type Heard,
  type Listener,
  type PageServer,
  servePage,
  startChromium,
} from "./helpers/chromium.ts";
import { component } from "./helpers/component.ts";
import { makePlace, type Place } from "./helpers/main_database.ts";
import { accessClaims, grant, sign } from "./helpers/tokens.ts";
import { accessToken, publish, ring, SECRET } from "./helpers/worker.ts";

const TOPIC = "https://cal.example/alice/work/";

/** Milliseconds: tells Chromium to come back sooner than after its own 3 s. */
const SOON = "100";

/** `place` has the database; `env` are the settings of another place like it. */
type Rig = { browser: Browser; pages: PageServer; place: Place; env: Record<string, string> };

async function withBrowser(chromium: string, run: (rig: Rig) => Promise<void>, more = {}): Promise<void> {
  await using pages = servePage();
  await using browser = await startChromium(chromium);
  const env = { CARILLON_ORIGINS: pages.origin, ...more };
  await using place = await makePlace(env);
  await run({ browser, pages, place, env });
}

/** A worker on the place's database, and what is done to it. */
async function startWorker(place: Place, port?: string) {
  const main = await place.start(port);
  const worker = { url: main.url, local: await place.localIssuer() };
  const token = await accessToken(worker, { publish: [TOPIC], subscribe: [TOPIC] });
  return {
    ...main,
    token,
    stream: `${main.hub}?match=${TOPIC}`,
    kill: () => main.end("SIGKILL"),
    ring: (data: string) => ring(worker, { topic: TOPIC, data }),
    async publish(fields: Record<string, string>): Promise<void> {
      const { status, body } = await publish(
        main.hub,
        token,
        Object.entries({ topic: TOPIC, ...fields }),
      );
      equal(status, 200, body);
    },
  };
}

/** Publishes at a port where no page looks, so that none can be there while it is published. */
async function ringElsewhere(place: Place, ...data: string[]): Promise<void> {
  await using worker = await startWorker(place);
  for (const each of data) await worker.ring(each);
}

async function listen({ browser, pages }: Rig, stream: string, token: string): Promise<Listener> {
  const page = await pages.open(browser, stream, token);
  await page.untilState("OPEN");
  return page;
}

const hears = (data: string) => (events: Heard[]) => events.some((event) => dataOf(event) === data);

/** Of a push message, or the text of an update. */
function dataOf({ data }: Heard): string {
  return data.startsWith("{") ? JSON.parse(data).data : data;
}

const test = await component("Chromium", findChromium);

test("browser: a page of an allowed origin hears a change by its cookie", (chromium) =>
  withBrowser(chromium, async (rig) => {
    await using worker = await startWorker(rig.place);
    const page = await listen(rig, worker.stream, worker.token);
    await worker.ring("party");
    const [event] = await page.until(hears("party"));
    const { topic, update } = JSON.parse(event!.data);
    equal([event!.type, topic, update], ["message", TOPIC, "content"]);
  }));

test("browser: a page whose worker was killed comes back, and catches up in order, with nothing twice", (chromium) =>
  withBrowser(chromium, async (rig) => {
    await using first = await startWorker(rig.place);
    const page = await listen(rig, first.stream, first.token);
    await first.publish({ data: "before", retry: SOON });
    await page.until(hears("before"));
    await first.kill();
    await page.untilState("CONNECTING");
    await ringElsewhere(rig.place, "missed 1", "missed 2", "missed 3");

    await using second = await startWorker(rig.place, first.port);
    await page.until(hears("missed 3"));
    await second.ring("after");
    const events = await page.until(hears("after"));
    equal(events.map(dataOf), ["before", "missed 1", "missed 2", "missed 3", "after"]);
    equal(new Set(events.map(({ id }) => id)).size, events.length);
  }));

test("browser: a page that had heard nothing yet when its worker was killed misses nothing either", (chromium) =>
  withBrowser(chromium, async (rig) => {
    await using first = await startWorker(rig.place);
    await first.ring("long ago");
    const page = await listen(rig, first.stream, first.token);
    await first.kill();
    await ringElsewhere(rig.place, "missed");
    await using _second = await startWorker(rig.place, first.port);
    equal((await page.until(hears("missed"))).map(dataOf), ["missed"]);
  }));

test("browser: a page is told when the database is another one, and is shown what that holds", (chromium) =>
  withBrowser(chromium, async (rig) => {
    await using first = await startWorker(rig.place);
    const page = await listen(rig, first.stream, await appToken(first.url));
    await first.publish({ data: "old", retry: SOON });
    await page.until(hears("old"));
    await first.kill();

    await using replaced = await makePlace(rig.env);
    await ringElsewhere(replaced, "new");
    await using _second = await startWorker(replaced, first.port);
    const events = await page.until(hears("new"));
    equal(events.map((event) => [event.type, dataOf(event)]), [
      ["message", "old"],
      ["lost", "earliest"],
      ["message", "new"],
    ]);
  }, { CARILLON_ISSUERS: JSON.stringify([{ iss: "app", secret: SECRET, topics: [TOPIC] }]) }));

/** The local issuer's key goes with the database; an application's token stays good. */
function appToken(audience: string): Promise<string> {
  const claims = accessClaims(audience, [grant(["subscribe"], [{ match: TOPIC }])], { iss: "app" });
  return sign(new TextEncoder().encode(SECRET), { alg: "HS256", typ: "at+jwt" }, claims);
}

test("browser: a page of another origin hears nothing, with a cookie or without", (chromium) =>
  withBrowser(chromium, async (rig) => {
    await using strangers = servePage();
    await using worker = await startWorker(rig.place);
    const page = await listen(rig, worker.stream, worker.token);
    const strange = [
      await strangers.open(rig.browser, worker.stream, worker.token),
      await strangers.open(rig.browser, worker.stream),
    ];
    // Refused for good: a browser does not come back after this.
    for (const stranger of strange) await stranger.untilState("CLOSED");
    await worker.publish({ data: "public" });
    await page.until(hears("public"));
    for (const stranger of strange) equal(await stranger.heard(), []);
  }, { CARILLON_ANONYMOUS: "true" }));

test("browser: data of several lines arrives as lines, whichever way they ended, and as nothing but data", (chromium) =>
  withBrowser(chromium, async (rig) => {
    await using worker = await startWorker(rig.place);
    const page = await listen(rig, worker.stream, worker.token);
    await worker.publish({ data: "one\r\ntwo\rthree\nid: 4\r\n\r\n  : 🔔\u2028six\r\n" });
    const [event] = await page.until((events) => events.length > 0);
    equal([event!.type, event!.data], ["message", "one\ntwo\nthree\nid: 4\n\n  : 🔔\u2028six\n"]);
  }));
