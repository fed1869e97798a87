import fc from "fast-check";
import { createPresence, type Presence } from "../../src/broker/presence.ts";
import type { Matcher } from "../../src/model/matcher.ts";
import { compileMatcher } from "../../src/model/matcher.ts";
import { equal, refuses } from "../helpers/assert.ts";
import { faultyKv, HUB } from "../helpers/broker.ts";
import { manualClock } from "../helpers/clock.ts";
import { testStores } from "../helpers/stores.ts";

const MINUTE = 60_000;

const exact = (match: string) => compileMatcher({ match, type: "exact" }, HUB);
const pattern = (match: string) => compileMatcher({ match, type: "urlpattern" }, HUB);

/** A worker of a cluster; `open` is what its streams ask for. */
function member(kv: Deno.Kv, clock = manualClock()) {
  const open = new Set<Matcher>();
  const presence = createPresence({ kv, clock, worker: crypto.randomUUID(), matchers: () => open });
  const listen = async (...matchers: Matcher[]) => {
    await presence.announce(matchers);
    for (const each of matchers) open.add(each);
  };
  return { ...presence, open, clock, listen };
}

async function heard({ findListened }: Presence, ...topics: string[]): Promise<boolean[]> {
  return topics.map(await findListened(topics));
}

async function pass(minutes: number, ...members: ReturnType<typeof member>[]): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    for (const { clock, minute } of members) {
      clock.advance(MINUTE);
      await minute();
    }
  }
}

testStores("presence: what a stream was announced for is known elsewhere before it is open", async (openKv) => {
  await using kv = await openKv();
  const [here, there] = [member(kv), member(kv)];
  await here.listen(exact("a"), exact("b"));
  equal([await heard(there, "a", "b", "c"), await heard(here, "a", "b")], [[true, true, false], [false, false]]);
});

testStores("presence: with a pattern anything may be listened to", async (openKv) => {
  await using kv = await openKv();
  const [here, there] = [member(kv), member(kv)];
  await here.listen(pattern("https://dav.example/*"));
  equal(await heard(there, "a"), [true]);
  await there.listen(exact("*"));
  equal(await heard(here, "a"), [true]);
});

testStores(
  "presence: what nobody asks for any more is taken back within two minutes, what is open stays",
  async (openKv) => {
    await using kv = await openKv();
    const [here, there] = [member(kv), member(kv)];
    const a = exact("a");
    await here.listen(a, exact("b"), pattern("/*"));
    here.open.clear();
    here.open.add(a);
    await pass(1, here);
    equal(await heard(there, "b"), [true]);
    await pass(1, here);
    equal(await heard(there, "a", "b"), [true, false]);
    await pass(10, here, there);
    equal(await heard(there, "a"), [true]);
  },
);

testStores("presence: a stream that comes while the last one is taken back is not forgotten", async (openKv) => {
  await using kv = await openKv();
  const [here, there] = [member(kv), member(kv)];
  await here.listen(exact("a"));
  here.open.clear();
  await pass(1, here);
  here.clock.advance(MINUTE);
  const [taken, announced] = [here.minute(), here.listen(exact("a"))];
  await Promise.all([taken, announced]);
  equal(await heard(there, "a"), [true]);
});

testStores("presence: a worker that leaves takes all with it, one that dies within minutes", async (openKv) => {
  await using kv = await openKv();
  const [leaving, dying, there] = [member(kv), member(kv), member(kv)];
  await leaving.listen(exact("a"), pattern("/*"));
  await dying.listen(exact("b"));
  await leaving.leave();
  equal(await heard(there, "a", "b"), [false, true]);
  await pass(5, there);
  equal(await heard(there, "b"), [true]);
  await pass(1, there);
  equal([await heard(there, "b"), (await Array.fromAsync(kv.list({ prefix: [] }))).length], [[false], 0]);
});

testStores("presence: a worker that was taken for dead writes everything anew", async (openKv) => {
  await using kv = await openKv();
  const [here, there] = [member(kv), member(kv)];
  await here.listen(exact("a"));
  await pass(6, there);
  equal(await heard(there, "a"), [false]);
  await pass(1, here);
  equal(await heard(there, "a"), [true]);
  await pass(6, there);
  await here.listen(exact("b"));
  equal(await heard(there, "a", "b"), [true, true]);
});

testStores("presence: workers that live are counted, those that left or died are not", async (openKv) => {
  await using kv = await openKv();
  const [here, leaving, dying] = [member(kv), member(kv), member(kv)];
  const count = async () => {
    for (const each of [leaving, dying]) await each.count();
    return await here.count();
  };
  await count();
  equal(await count(), 3);
  await leaving.leave();
  await dying.count();
  equal(await here.count(), 2);
  here.clock.advance(20_000);
  equal(await here.count(), 1);
});

testStores(
  "presence: a write whose answer was lost is made good by the next, and no stream opens before",
  async (openKv) => {
    await using kv = await openKv();
    let lost = true;
    const here = member(faultyKv(kv, async (commit) => {
      const result = await commit();
      if (lost) throw new Error("lost");
      return result;
    }));
    const there = member(kv);
    await refuses("kv_failed", () => here.listen(exact("a")));
    lost = false;
    await here.listen(exact("b"));
    equal(await heard(there, "a", "b"), [true, true]);
  },
);

testStores(
  "presence: who waits for a write that fails fails with it, and whoever comes later does not",
  async (openKv) => {
    await using kv = await openKv();
    const broken = Promise.withResolvers<never>();
    let commits = 0;
    const here = member(faultyKv(kv, (commit) => ++commits === 1 ? broken.promise : commit()));
    const refused = [here.listen(exact("a")), here.listen(exact("b")), here.count(), here.minute()];
    broken.reject(new Error("no answer"));
    const codes = (await Promise.allSettled(refused)).map((each) => each.status === "rejected" && each.reason.code);
    equal([codes, commits], [["kv_failed", "kv_failed", "kv_failed", "kv_failed"], 1]);
    await here.listen(exact("c"));
    equal(await heard(member(kv), "a", "b", "c"), [true, true, true]);
  },
);

testStores("presence: heartbeats and streams that wait at once are one write", async (openKv) => {
  await using kv = await openKv();
  let commits = 0;
  const here = member(faultyKv(kv, (commit) => (commits++, commit())));
  await Promise.all([here.listen(exact("a")), here.count(), here.count(), here.listen(exact("b")), here.count()]);
  equal(commits, 1);
});

testStores("presence: a thousand streams at once are a few writes", async (openKv) => {
  await using kv = await openKv();
  let commits = 0;
  const here = member(faultyKv(kv, (commit) => (commits++, commit())));
  const topics = Array.from({ length: 1_000 }, (_, n) => `t/${n}`);
  await Promise.all(topics.map((topic) => here.listen(exact(topic))));
  equal(commits <= 2, true);
  await Promise.all(topics.map((topic) => here.listen(exact(topic))));
  equal([commits <= 2, (await heard(member(kv), ...topics)).every((is) => is)], [true, true]);
});

testStores("presence: what others wrote is believed to be anything, and never throws", async (openKv) => {
  await using kv = await openKv();
  const here = member(kv);
  const value = fc.oneof(fc.jsonValue(), fc.uint8Array({ maxLength: 64 }), fc.bigInt());
  await fc.assert(
    fc.asyncProperty(value, fc.string(), async (value, worker) => {
      await kv.set(["presence", "any", worker], value);
      equal(await heard(here, "a"), [true]);
      await kv.delete(["presence", "any", worker]);
      await kv.set(["worker", worker], value);
      await here.minute();
      await kv.delete(["worker", worker]);
    }),
    { numRuns: 20 },
  );
});
