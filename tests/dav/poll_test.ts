import { getLogger } from "@logtape/logtape";
import type { Look, Member } from "../../src/dav/members.ts";
import { createPoll } from "../../src/dav/poll.ts";
import { createMetrics } from "../../src/metrics.ts";
import type { Change } from "../../src/model/change.ts";
import { shortHash } from "../../src/model/short_hash.ts";
import { listHomes } from "../../src/store/homes.ts";
import { encodeRecord } from "../../src/store/record.ts";
import { equal, ok } from "../helpers/assert.ts";
import { overrideKv } from "../helpers/broker.ts";
import { manualClock } from "../helpers/clock.ts";
import { watchKv } from "../helpers/watched_kv.ts";
import { testStores } from "../helpers/stores.ts";

const HOME = "/alice/", DAY = 86_400_000;
const work = (token: string): Member => ({ path: "/alice/work/", token, state: token });

/** A DAV server as the poller sees it. */
function upstream() {
  const looks: { path: string; at: number; by: string }[] = [];
  const state = {
    members: [work("1")],
    status: 207,
    retryAfter: undefined as string | undefined,
    milliseconds: 1,
    meanwhile: () => Promise.resolve(),
  };
  return { looks, state };
}

type Server = ReturnType<typeof upstream>;

/** A worker that polls. */
function openPoller(database: Deno.Kv, server: Server, { clock = manualClock(), embedded = true, name = "one" } = {}) {
  const { kv, idle, kill } = watchKv(database), published: Change[] = [], gone: string[] = [];
  const look = async (path: string): Promise<Look> => {
    server.looks.push({ path, at: clock.elapsed() / 1000, by: name });
    await server.state.meanwhile();
    const { status, members, milliseconds, retryAfter } = server.state;
    if (status === 0) throw new Error("down");
    return { status, members, milliseconds, ...(retryAfter && { retryAfter }) };
  };
  const poll = createPoll({
    kv,
    embedded,
    clock,
    log: getLogger("carillon"),
    metrics: createMetrics(),
    origin: "https://dav.example",
    look,
    publish: (changes) => Promise.resolve(published.push(...changes)),
    lastToken: () => undefined,
    gone: (path) => Promise.resolve(void gone.push(path)),
  });
  const stopping = new AbortController();
  const running = poll.run(stopping.signal);

  async function stop(): Promise<void> {
    stopping.abort();
    await running;
    await idle();
  }

  const told = () => published.map(({ topics }) => topics[0]!.slice("https://dav.example".length));
  return { ...poll, clock, idle, kill, told, gone, stop };
}

/** Second by second, or, where it is long, by steps of ten: each thing that waits may then come so much later. */
async function pass(seconds: number, ...pollers: ReturnType<typeof openPoller>[]): Promise<void> {
  const step = seconds > 100 ? 10 : 1;
  for (let passed = 0; passed < seconds; passed += step) {
    pollers[0]!.clock.advance(step * 1_000);
    for (const { idle } of pollers) await idle();
  }
}

const until = (poller: { clock: { now: () => number } }) => poller.clock.now() + DAY;

testStores(
  "poll: a home that somebody is subscribed in is looked at, at once and then as its pace says",
  async (openKv) => {
    await using kv = await openKv();
    const server = upstream(), poller = openPoller(kv, server);
    await pass(5, poller);
    equal(server.looks, []);
    await poller.watch([HOME], until(poller));
    await pass(40, poller);
    server.state.members = [work("2")];
    await pass(40, poller);
    equal(poller.told(), ["/alice/work/", "/alice/", "/"]);
    equal(server.looks.every(({ path }) => path === HOME), true);
    await pass(3_600, poller);
    const gaps = server.looks.map(({ at }, n) => at - (server.looks[n - 1]?.at ?? 0));
    ok(gaps[1]! >= 29 && gaps[1]! <= 33, `${gaps}`);
    ok(gaps.at(-1)! > 600 && gaps.every((gap) => gap <= 940), `${gaps}`);
    equal(poller.told().length, 3);
    await poller.stop();
  },
);

testStores("poll: who subscribes while a home is looked at changes nothing of what was seen", async (openKv) => {
  await using kv = await openKv();
  const server = upstream(), poller = openPoller(kv, server);
  let later = until(poller);
  server.state.meanwhile = () => poller.watch([HOME], ++later);
  await poller.watch([HOME], later);
  await pass(10, poller);
  server.state.members = [work("2")];
  await pass(60, poller);
  equal(poller.told(), ["/alice/work/", "/alice/", "/"]);
  equal((await listHomes(kv, 10, () => {})).map(({ home }) => home.until), [later]);
  await poller.stop();
});

testStores("poll: a home that is watched while the homes are listed is not forgotten", async (openKv) => {
  await using kv = await openKv();
  const listing = Promise.withResolvers<void>(), listed = Promise.withResolvers<void>();
  const slow = overrideKv(kv, {
    list: (...args: Parameters<Deno.Kv["list"]>) => {
      const entries = kv.list(...args), next = entries.next.bind(entries);
      const late = async () => {
        const result = await next();
        listing.resolve();
        await listed.promise;
        return result;
      };
      return Object.assign(entries, { next: late });
    },
  });
  const server = upstream(), poller = openPoller(slow, server);
  await listing.promise;
  await poller.watch([HOME], until(poller));
  listed.resolve();
  await poller.idle();
  await pass(5, poller);
  equal(server.looks.length, 1);
  await poller.stop();
});

testStores("poll: it ends with the last subscription", async (openKv) => {
  await using kv = await openKv();
  const server = upstream(), poller = openPoller(kv, server);
  await poller.watch([HOME], poller.clock.now() + 100_000);
  await pass(100, poller);
  const { length } = server.looks;
  ok(length > 0);
  await pass(1_000, poller);
  equal([server.looks.length, await listHomes(kv, 10, () => {})], [length, []]);
  await poller.stop();
});

testStores(
  "poll: who is told before the state is kept is told again after a crash, and nothing is missed while nobody looks",
  async (openKv) => {
    await using kv = await openKv();
    const server = upstream(), first = openPoller(kv, server);
    await first.watch([HOME], until(first));
    await pass(10, first);
    first.kill();
    await first.stop();
    server.state.members = [work("2")];
    const second = openPoller(kv, server);
    await pass(90, second);
    equal(second.told(), ["/alice/work/", "/alice/", "/"]);
    await second.stop();
  },
);

testStores("poll: of two workers one looks at a home, and the other when that has gone", async (openKv) => {
  await using kv = await openKv();
  const server = upstream(), clock = manualClock();
  const one = openPoller(kv, server, { clock, embedded: false, name: "one" });
  const other = openPoller(kv, server, { clock, embedded: false, name: "other" });
  await one.watch([HOME], until(one));
  await pass(300, one, other);
  const [holder] = server.looks.map(({ by }) => by);
  equal([...new Set(server.looks.map(({ by }) => by))], [holder]);
  const [left, rest] = holder === "one" ? [one, other] : [other, one];
  await left.stop();
  server.state.members = [work("2")];
  await pass(900, rest);
  equal([server.looks.at(-1)!.by !== holder, rest.told().length], [true, 3]);
  await rest.stop();
});

for (
  const [what, status] of [["is down", 0], ["answers 500", 500], ["answers 429", 429], [
    "refuses the account",
    401,
  ]] as const
) {
  testStores(
    `poll: a server that ${what} is left alone for longer and longer, and is looked at again in the end`,
    async (openKv) => {
      await using kv = await openKv();
      const server = upstream(), poller = openPoller(kv, server);
      server.state.status = status;
      await poller.watch([HOME], until(poller));
      await pass(1_000, poller);
      const gaps = server.looks.map(({ at }, n) => at - (server.looks[n - 1]?.at ?? 0)).slice(1);
      ok(gaps.length >= 4 && gaps.every((gap, n) => gap >= 30 * 2 ** n && gap <= 30 * 2 ** n + 40), `${gaps}`);
      Object.assign(server.state, { status: 207 });
      await pass(1_000, poller);
      server.state.members = [work("2")];
      await pass(1_000, poller);
      equal(poller.told().length, 3);
      await poller.stop();
    },
  );
}

testStores("poll: a server that says for how long is left alone for so long", async (openKv) => {
  await using kv = await openKv();
  const server = upstream(), poller = openPoller(kv, server);
  Object.assign(server.state, { status: 503, retryAfter: "300" });
  await poller.watch([HOME], until(poller));
  await pass(290, poller);
  equal(server.looks.length, 1);
  await poller.stop();
});

testStores("poll: a home that cannot be read keeps no other from being looked at", async (openKv) => {
  await using kv = await openKv();
  const server = upstream(), poller = openPoller(kv, server);
  server.state.status = 404;
  await poller.watch([HOME, "/bob/"], until(poller));
  await pass(30, poller);
  equal(server.looks.map(({ path }) => path).sort(), [HOME, "/bob/"]);
  await poller.stop();
});

testStores("poll: one home that fails keeps no other from being looked at", async (openKv) => {
  await using kv = await openKv();
  const server = upstream(), poller = openPoller(kv, server);
  server.state.meanwhile = () =>
    server.looks.at(-1)!.path === "/bad/" ? Promise.reject(new Error("broken")) : Promise.resolve();
  const paths = ["/a/", "/b/", "/bad/", "/c/", "/d/"];
  await poller.watch(paths, until(poller));
  await pass(1_200, poller);
  const counts = Object.fromEntries(
    paths.map((path) => [path, server.looks.filter((look) => look.path === path).length]),
  );
  ok(counts["/bad/"]! <= 7 && Object.values(counts).every((count) => count >= 4), JSON.stringify(counts));
  await poller.stop();
});

testStores("poll: a slow server is not asked for all homes at once", async (openKv) => {
  await using kv = await openKv();
  const server = upstream(), poller = openPoller(kv, server);
  server.state.milliseconds = 2_000;
  await poller.watch(["/1/", "/2/", "/3/", "/4/"], until(poller));
  await pass(100, poller);
  const times = server.looks.map(({ at }) => at);
  ok(times.length >= 4 && times.every((at, n) => n === 0 || at - times[n - 1]! >= 8), `${times}`);
  await poller.stop();
});

testStores(
  "poll: a home that cannot be read is left alone, whoever watches it goes on, and the others are looked at",
  async (openKv) => {
    const other = { path: "/bob/", until: 9e15 };
    for (const value of [null, new Uint8Array([1]), encodeRecord({ path: HOME, until: "late" }), encodeRecord(other)]) {
      await using kv = await openKv();
      const key = ["home", shortHash(HOME)], unread: Deno.KvKey[] = [];
      await kv.set(key, value);
      const server = upstream(), poller = openPoller(kv, server);
      await poller.watch([HOME, "/carol/"], until(poller));
      await pass(40, poller);
      equal([...new Set(server.looks.map(({ path }) => path))], ["/carol/"]);
      equal((await listHomes(kv, 10, (key) => unread.push(key))).map(({ home: { path } }) => path), ["/carol/"]);
      equal([unread, (await kv.get(key)).value], [[key], value]);
      await poller.stop();
    }
  },
);
