import type { Connection } from "../../src/transports/connection.ts";
import { createConnections, IDLE, MAX_AGE, MAX_CONNECTIONS } from "../../src/transports/connections.ts";
import { equal, ok } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";

const never = new AbortController().signal;
const URL_A = new URL("https://a.example/"), URL_B = new URL("https://b.example/");

/** Connections that do nothing but to be open. */
function openConnections() {
  const clock = manualClock(), opened: { url: URL; usable: boolean; closed: boolean }[] = [];
  let fault: Error | undefined, gate: Promise<void> | undefined;

  async function open(url: URL, signal: AbortSignal): Promise<Connection> {
    const state = { url, usable: true, closed: false };
    opened.push(state);
    await gate;
    signal.throwIfAborted();
    if (fault) throw fault;
    return {
      post: () => Promise.resolve({ status: 201 }),
      isUsable: () => state.usable && !state.closed,
      close: () => Promise.resolve(void (state.closed = true)),
    };
  }

  const connections = createConnections({ clock, open });
  const use = (url = URL_A, signal = never) => connections.lend(url, signal, () => Promise.resolve());

  /** Lends one until the answer is called. */
  function hold(url = URL_A): () => Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const lent = connections.lend(url, never, () => promise);
    return async () => {
      resolve();
      await lent;
    };
  }

  const closed = () => opened.map((state) => state.closed);
  const setGate = (promise: Promise<void>) => void (gate = promise);
  return { ...connections, clock, opened, use, hold, closed, setGate, fail: (error?: Error) => void (fault = error) };
}

async function settle(): Promise<void> {
  for (let n = 0; n < 10; n++) await Promise.resolve();
}

Deno.test("connections: an origin has one, however many ask at once; another origin has its own", async () => {
  const { use, opened } = openConnections();
  await Promise.all([...Array.from({ length: 50 }, () => use()), use(URL_B)]);
  await use(new URL("/other/path", URL_A));
  equal(opened.map(({ url }) => url.origin), ["https://a.example", "https://b.example"]);
});

Deno.test("connections: a dead one is replaced at the next request", async () => {
  const { use, opened, closed } = openConnections();
  await use();
  opened[0]!.usable = false;
  await use();
  equal([opened.length, closed()], [2, [true, false]]);
});

Deno.test("connections: an old one is replaced, and ends with the last request that has it", async () => {
  const { use, hold, clock, opened, closed } = openConnections();
  const release = hold();
  await settle();
  clock.advance(MAX_AGE - 1);
  await use();
  equal(opened.length, 1);
  clock.advance(1);
  await use();
  equal([opened.length, closed()], [2, [false, false]]);
  await release();
  equal(closed(), [true, false]);
});

Deno.test("connections: after a time-out one is not used again, and the others that have it go on", async () => {
  const { lend, use, hold, opened, closed } = openConnections();
  const release = hold(), late = new AbortController();
  await lend(URL_A, late.signal, () => Promise.resolve(late.abort()));
  await use();
  equal([opened.length, closed()], [2, [false, false]]);
  await release();
  equal(closed(), [true, false]);
});

Deno.test("connections: one that did not open is tried again at the next request", async () => {
  const { use, opened, fail } = openConnections();
  fail(new Error("refused"));
  equal(await Promise.all([use(), use()].map((used) => used.then(() => "used", () => "failed"))), ["failed", "failed"]);
  fail();
  await use();
  equal(opened.length, 2);
});

Deno.test("connections: an idle one is closed, one that is used or busy is not", async () => {
  const { use, hold, tick, clock, closed } = openConnections();
  const release = hold(URL_B);
  await use();
  clock.advance(IDLE - 1);
  await use();
  tick();
  clock.advance(1);
  tick();
  await settle();
  equal(closed(), [false, false]);
  clock.advance(IDLE);
  tick();
  await settle();
  equal(closed(), [false, true]);
  await release();
});

Deno.test("connections: of very many the least recently used idle one is closed", async () => {
  const { use, hold, opened, closed } = openConnections();
  const release = hold(new URL("https://busy.example"));
  for (let n = 0; n < MAX_CONNECTIONS; n++) await use(new URL(`https://${n}.example`));
  await use(new URL("https://0.example"));
  await settle();
  const open = closed().filter((closed) => !closed).length;
  ok(open <= MAX_CONNECTIONS && !closed()[0], `${open}`);
  equal(opened.length, MAX_CONNECTIONS + 2);
  await release();
});

Deno.test("connections: where all are busy one more is opened, and stays until it is used", async () => {
  const { use, hold, opened, closed } = openConnections();
  const releases = Array.from({ length: MAX_CONNECTIONS }, (_, n) => hold(new URL(`https://${n}.example`)));
  await use();
  await settle();
  equal([opened.length, closed().filter((closed) => closed).length], [MAX_CONNECTIONS + 1, 0]);
  for (const release of releases) await release();
});

Deno.test("connections: close ends all, those that are opening and those in use among them, and no more are opened", async () => {
  const { use, hold, close, setGate, closed, opened } = openConnections();
  await use();
  const release = hold(URL_A), gate = Promise.withResolvers<void>();
  setGate(gate.promise);
  const opening = use(URL_B).then(() => "used", () => "failed");
  const closing = close();
  gate.resolve();
  equal(await opening, "failed");
  await closing;
  equal([closed()[0], opened.length], [true, 2]);
  equal(await use().then(() => "used", () => "failed"), "failed");
  await release();
});
