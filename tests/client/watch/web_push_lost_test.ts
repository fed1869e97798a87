/** A push subscription that the browser takes away, or replaces, and says nothing of it. */
import { webPush } from "../../../src/client/mod.ts";
import { fromBase64Url } from "../../../src/client/base64url.ts";
import { equal } from "../../helpers/assert.ts";
import { VAPID } from "../../helpers/dav_stub.ts";
import { openTimedWatch, pushed } from "../../helpers/timed_watch.ts";

const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

/** A service worker's registration whose subscription is what the test says. */
function browserWith(first: string | undefined) {
  const browser = { endpoint: first, subscribed: 0, isBroken: false };
  const show = () => ({
    options: { applicationServerKey: fromBase64Url(VAPID)!.buffer },
    toJSON: () => ({ endpoint: browser.endpoint, keys: { p256dh: VAPID, auth: "a" } }),
    unsubscribe: () => Promise.resolve((browser.endpoint = undefined) === undefined),
  });
  const pushManager = {
    permissionState: () => Promise.resolve("granted"),
    getSubscription: () =>
      browser.isBroken
        ? Promise.reject(new Error("broken"))
        : Promise.resolve(browser.endpoint === undefined ? null : show()),
    subscribe: () => {
      browser.endpoint = `https://push.example/${++browser.subscribed}`;
      return Promise.resolve(show());
    },
  };
  const scope = `https://app.example/${crypto.randomUUID()}/`;
  return { browser, transport: webPush(() => Promise.resolve({ scope, pushManager })) };
}

async function openPage(first?: string) {
  const { browser, transport } = browserWith(first);
  const watch = await openTimedWatch(pushed(() => "1", (now) => now + 7 * DAY), () => 0.5, { transports: [transport] });
  const registered = () =>
    watch.stub.asked.filter(({ method }) => method === "POST")
      .map(({ body }) => /push.example.([^<]+)/.exec(body!)![1]);
  return { ...watch, browser, registered };
}

Deno.test("client web push: what the browser took away or replaced is found, and registered anew", async () => {
  for (const next of [undefined, "https://push.example/next"]) {
    await using page = await openPage("https://push.example/first");
    equal([page.watching.state, page.registered()], ["push", ["first"]]);
    page.browser.endpoint = next;
    await page.pass(2 * HOUR, MINUTE);
    equal([page.watching.state, page.registered().length, page.faults], ["push", 2, ["gone"]]);
  }
});

Deno.test("client web push: a browser that cannot say what it has is believed to have it", async () => {
  await using page = await openPage("https://push.example/first");
  page.browser.isBroken = true;
  await page.pass(3 * HOUR, MINUTE);
  equal([page.watching.state, page.registered(), page.faults], ["push", ["first"], []]);
});
