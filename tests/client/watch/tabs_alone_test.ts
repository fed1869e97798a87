/** Tabs whose locks are the test's: one that takes over, fails, or may have none. */
import { type State, watchInTabs, type WatchOptions } from "../../../src/client/mod.ts";
import type { Locks } from "../../../src/client/watch/elect.ts";
import { equal, throws } from "../../helpers/assert.ts";
import { manualClock } from "../../helpers/clock.ts";
import { davStub, multistatus, printCollection } from "../../helpers/dav_stub.ts";
import { createWaiting } from "../../../scripts/lib/waiting.ts";

type Request = Locks["request"];

/** Whoever asks first has it, until it gives it up or another steals it; who does not want it any more is let go. */
function locksInOrder(): Request {
  const waiting = new Set<() => void>();
  let lose: (() => void) | undefined;

  return (_, options, run) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const own = () => reject(new DOMException("stolen", "AbortError"));
    const start = () => {
      waiting.delete(start);
      lose = own;
      void run().then(() => (resolve(), lose === own && next()));
    };
    if ("signal" in options) options.signal.addEventListener("abort", () => waiting.delete(start) && own());
    if ("steal" in options) lose?.(), start();
    else if (waiting.add(start), !lose) next();
    return promise;
  };

  function next(): void {
    lose = undefined;
    [...waiting][0]?.();
  }
}

/** Puts locks where a page has them; `using` takes them away. */
function withLocks(request: Request) {
  const before = Object.getOwnPropertyDescriptor(navigator, "locks");
  Object.defineProperty(navigator, "locks", { configurable: true, value: { request } });
  return {
    [Symbol.dispose]: () => {
      if (before) Object.defineProperty(navigator, "locks", before);
      else delete (navigator as { locks?: unknown }).locks;
    },
  };
}

const newUrl = () => `https://dav.example/${crypto.randomUUID()}/work/`;

function openTab(url: string, given: Partial<WatchOptions>) {
  const heard: (string | undefined)[] = [], faults: string[] = [], states: State[] = [], clock = manualClock();
  const waiting = createWaiting(() => JSON.stringify({ heard, faults, states }));
  const watching = watchInTabs({
    url,
    clock,
    transports: [],
    random: () => 0.5,
    reported: ({ code }) => (faults.push(code), waiting.notify()),
    state: (state) => (states.push(state), waiting.notify()),
    ...given,
    changed: (collection, token) => {
      heard.push(token);
      waiting.notify();
      return given.changed?.(collection, token);
    },
  });
  return {
    heard,
    faults,
    states,
    clock,
    watching,
    until: waiting.until,
    [Symbol.asyncDispose]: () => watching.close(),
  };
}

const serve = (
  url: string,
  answer: () => Response = () => multistatus(printCollection({ href: new URL(url).pathname })),
) => davStub(answer).fetch;

Deno.test("client tabs: an address that holds a password is refused at once", () => {
  using _ = withLocks(locksInOrder());
  throws(() => watchInTabs({ url: "https://a:b@dav.example/", changed: () => {} }), TypeError);
});

Deno.test("client tabs: a page that may not have locks watches by itself", async () => {
  using _ = withLocks(() => Promise.reject(new DOMException("denied", "SecurityError")));
  const url = newUrl();
  await using tab = openTab(url, { fetch: serve(url) });
  await tab.until(() => tab.states.at(-1) === "poll");
  equal(tab.heard, ["1"]);
});

Deno.test("client tabs: who takes over and reaches nobody is offline, whatever the one before it was", async () => {
  using _ = withLocks(locksInOrder());
  const url = newUrl(), first = openTab(url, { fetch: serve(url) });
  await first.until(() => first.states.at(-1) === "poll");
  await using second = openTab(url, { fetch: serve(url, () => new Response(null, { status: 503 })) });
  await second.until(() => second.states.at(-1) === "poll");
  await first.watching.close();
  await second.until(() => second.states.at(-1) === "offline");
  equal([second.faults, second.heard], [["unavailable"], ["1"]]);
});

Deno.test("client tabs: a page that did not take a change is told again, and the others are not", async () => {
  using _ = withLocks(locksInOrder());
  const url = newUrl();
  let isBroken = true;
  await using first = openTab(url, { fetch: serve(url) });
  await first.until(() => first.states.at(-1) === "poll");
  await using second = openTab(url, {
    changed: () => {
      if (isBroken) throw new Error("broken");
    },
  });
  await second.until(() => second.faults.length === 1);
  isBroken = false;
  second.clock.advance(30_000);
  await second.until(() => second.heard.length === 2);
  equal([first.heard, second.heard, second.faults], [["1"], ["1", "1"], ["callback_failed"]]);
});

/** Milliseconds until a page that hears nothing takes the lead, by the `random` of these tabs. */
const SILENCE = 90_000;

Deno.test("client tabs: a page that is silent loses the lead to one that listens, and is told by that", async () => {
  using _ = withLocks(locksInOrder());
  const url = newUrl(), looks: string[] = [];
  let token = "1";
  const by = (name: string) =>
    serve(url, () => (looks.push(name), multistatus(printCollection({ href: new URL(url).pathname, token }))));
  await using frozen = openTab(url, { fetch: by("frozen") });
  await frozen.until(() => frozen.states.at(-1) === "poll");
  await using second = openTab(url, { fetch: by("second") });
  await second.until(() => second.states.at(-1) === "poll");
  token = "2";
  for (let missed = 1; missed <= 3; missed++) {
    equal(looks, ["frozen"]);
    second.clock.advance(SILENCE);
    await turn();
  }
  await frozen.until(() => frozen.heard.length === 2);
  equal([looks, frozen.heard, second.heard], [["frozen", "second"], ["1", "2"], ["1", "2"]]);
  frozen.clock.advance(3_600_000);
  await turn();
  equal([looks.length, frozen.watching.state, frozen.faults, second.faults], [2, "poll", [], []]);
});

Deno.test("client tabs: what a page says that was frozen while another took the lead is not heard", async () => {
  using _ = withLocks(locksInOrder());
  const url = newUrl(), thawed = new BroadcastChannel(`carillon ${url}`);
  await using first = openTab(url, { fetch: serve(url) });
  await using second = openTab(url, {});
  await second.until(() => second.heard.length === 1);
  thawed.postMessage({ kind: "changed", collection: url, syncToken: "0", term: 1 });
  thawed.postMessage({ kind: "changed", collection: url, syncToken: "2", term: first.clock.now() + 1 });
  await second.until(() => second.heard.length === 2);
  equal(second.heard, ["1", "2"]);
  thawed.close();
});

Deno.test("client tabs: whoever leads and is heard keeps the lead, also after a sleep of the machine", async () => {
  using _ = withLocks(locksInOrder());
  const url = newUrl(), heard = new BroadcastChannel(`carillon ${url}`), looks: string[] = [];
  const by = (name: string) =>
    serve(url, () => (looks.push(name), multistatus(printCollection({ href: new URL(url).pathname }))));
  await using first = openTab(url, { fetch: by("first") });
  await using second = openTab(url, { fetch: by("second") });
  await second.until(() => second.states.at(-1) === "poll");
  for (let minute = 0; minute < 10; minute++) {
    const beat = new Promise((resolve) => heard.onmessage = resolve);
    first.clock.advance(60_000);
    await beat;
    await turn();
    second.clock.advance(SILENCE);
    await turn();
  }
  second.clock.advance(8 * 3_600_000);
  await turn();
  equal(looks.includes("second"), false);
  heard.close();
});

/** What is due has run. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));
