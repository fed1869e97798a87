/** Web Push as a page has it: the browser's objects are the test's, the push service, the worker and Radicale are real. */
import { relayPush, type State, watch, webPush } from "../../../src/client/mod.ts";
import { fromBase64Url, toBase64Url } from "../../../src/client/base64url.ts";
import { createWaiting } from "../../../scripts/lib/waiting.ts";
import { equal } from "../../helpers/assert.ts";
import { component } from "../../helpers/component.ts";
import { openAll } from "../../helpers/dav_push.ts";
import type { PushService, TestSubscription } from "../../helpers/push_service.ts";
import { findRadicale } from "../../helpers/radicale.ts";

const test = await component("Radicale", findRadicale);

/** A service worker's registration (Push API 6) at our push service. */
function browserAt(service: PushService, permission: string) {
  const scope = `https://app.example/${crypto.randomUUID()}/`, subscribed: TestSubscription[] = [];
  let current: { device: TestSubscription; key: Uint8Array<ArrayBuffer> } | undefined;

  function show() {
    if (!current) return null;
    const { device: { address: endpoint, keys }, key } = current;
    const unsubscribe = () => Promise.resolve((current = undefined) === undefined);
    return { options: { applicationServerKey: key.buffer }, toJSON: () => ({ endpoint, keys }), unsubscribe };
  }

  const pushManager = {
    permissionState: () => Promise.resolve(permission),
    getSubscription: () => Promise.resolve(show()),
    subscribe: ({ applicationServerKey: key }: { applicationServerKey: Uint8Array<ArrayBuffer> }) => {
      const device = service.subscribe({ vapidKey: toBase64Url(key) });
      subscribed.push(device);
      current = { device, key };
      return Promise.resolve(show());
    },
  };
  return { registration: { scope, pushManager }, scope, subscribed, hasSubscription: () => current !== undefined };
}

function startWatch(url: string, registration: unknown) {
  const heard: (string | undefined)[] = [], faults: string[] = [], states: State[] = [];
  const waiting = createWaiting(() => JSON.stringify({ heard, faults, states }));
  const watching = watch({
    url: `${url}/alice/work/`,
    headers: { authorization: `Basic ${btoa("alice:alice")}` },
    transports: [webPush(() => Promise.resolve(registration))],
    changed: (_, token) => (heard.push(token), waiting.notify()),
    state: (state) => (states.push(state), waiting.notify()),
    reported: ({ code }) => (faults.push(code), waiting.notify()),
  });
  return { heard, faults, states, watching, until: waiting.until, [Symbol.asyncDispose]: () => watching.close() };
}

test("client web push: a page hears what its service worker relays, and leaves the subscription when it is closed", async () => {
  await using all = await openAll();
  const browser = browserAt(all.service, "granted");
  {
    await using watch = startWatch(all.worker.url, browser.registration);
    await watch.until(() => watch.states.at(-1) === "push");
    await all.alice.putEvent("/alice/work/", "one");
    const messages = () => all.service.messages(browser.subscribed[0]!);
    await all.service.until(() => messages().some(({ text }) => text.includes("sync-token")));
    relayPush({ type: "push", data: { text: () => messages().at(-1)!.text } }, browser.scope);
    await watch.until(() => watch.heard.length === 2);
    equal(watch.faults, []);
  }
  equal([browser.hasSubscription(), await all.stored()], [true, 1]);
  // Another page goes on with what is there, and takes it back.
  const again = startWatch(all.worker.url, browser.registration);
  await again.until(() => again.states.at(-1) === "push");
  equal(browser.subscribed.length, 1);
  await again.watching.end();
  equal([browser.hasSubscription(), await all.stored()], [false, 0]);
});

test("client web push: who has not allowed it, or has no service worker, is polled for and never asked", async () => {
  await using all = await openAll();
  const browser = browserAt(all.service, "prompt");
  for (const registration of [browser.registration, undefined, { scope: "https://app.example/" }]) {
    await using watch = startWatch(all.worker.url, registration);
    await watch.until(() => watch.faults.length === 1);
    equal([watch.states, watch.faults, browser.subscribed.length], [["poll"], ["no_transport"], 0]);
  }
});

test("client web push: a subscription of another key is replaced, and one that ended is made anew", async () => {
  await using all = await openAll();
  const browser = browserAt(all.service, "granted"), { pushManager } = browser.registration;
  await pushManager.subscribe({ applicationServerKey: fromBase64Url("BAAA")! });
  await using watch = startWatch(all.worker.url, browser.registration);
  await watch.until(() => watch.states.at(-1) === "push");
  equal(browser.subscribed.length, 2);
  relayPush({ type: "pushsubscriptionchange" }, browser.scope);
  await watch.until(() => watch.states.at(-1) === "poll");
  watch.watching.look();
  await watch.until(() => watch.states.at(-1) === "push");
  equal([browser.subscribed.length, watch.faults], [3, ["gone"]]);
});
