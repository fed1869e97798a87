/** Tabs whose locks are the test's: one that takes over, fails, or may have none. */
import { type State, watchInTabs, type WatchOptions } from "../../../src/client/mod.ts";
import { equal, throws } from "../../helpers/assert.ts";
import { manualClock } from "../../helpers/clock.ts";
import { davStub, multistatus, printCollection } from "../../helpers/dav_stub.ts";
import { createWaiting } from "../../../scripts/lib/waiting.ts";

type Request = (name: string, options: { signal: AbortSignal }, run: () => Promise<void>) => Promise<void>;

/** Whoever asks first has it, until it gives it up; who does not want it any more while it waits is let go. */
function locksInOrder(): Request {
  let last = Promise.resolve();
  return (_, { signal }, run) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    signal.addEventListener("abort", reject);
    last = last.then(async () => {
      signal.removeEventListener("abort", reject);
      if (!signal.aborted) resolve(await run());
    });
    return promise;
  };
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
