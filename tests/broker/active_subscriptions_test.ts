import fc from "fast-check";
import type { StoredSubscription } from "../../src/store/active_subscriptions.ts";
import { subscriptionPath } from "../../src/wire/active_subscription.ts";
import { type Cell, createCell, exact, type Member, pass } from "../helpers/active_cell.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { faultyKv } from "../helpers/broker.ts";
import { testEmbedded, testStores } from "../helpers/stores.ts";

const matches = (listed: { match: string }[]) => listed.map(({ match }) => match).sort();
const pathsOf = (listed: Omit<StoredSubscription, "era">[]) => listed.map(subscriptionPath).sort();
const listAll = async ({ list }: Member) => pathsOf(await list({}));

/** Lets a worker do its upkeep; what it waits for is the clock, now and then. */
async function minuteOf({ clock }: Cell, { minute, idle }: Member): Promise<void> {
  let isDone = false;
  const done = minute().finally(() => isDone = true);
  while (!isDone) (await idle(), clock.advance(1_000));
  await done;
}

testStores("active: what a stream asks for is listed and told when it opens, and when it ends", async (openKv) => {
  await using kv = await openKv();
  const cell = createCell(kv), here = await cell.join();
  const leave = here.listen(exact("a"), { match: "/b/*", type: "urlpattern", payload: { n: 1 } });
  await here.idle();
  const [a, b] = cell.documents();
  const { subscriber } = a!;
  ok(/^urn:uuid:[0-9a-f-]{36}$/.test(subscriber));
  const its = { type: "subscription", subscriber, active: true }, path = "/.well-known/mercure/subscriptions";
  const id = encodeURIComponent(subscriber);
  equal<unknown>(
    [a, b],
    [
      { id: `${path}/exact/a/${id}`, ...its, match_type: "exact", match: "a" },
      { id: `${path}/urlpattern/%2Fb%2F%2A/${id}`, ...its, match_type: "urlpattern", match: "/b/*", payload: { n: 1 } },
    ].map((each) => ({ ...each })),
  );
  equal(cell.told.map(({ topics, private: isPrivate, type }) => [topics, isPrivate, type]), [
    [[a!.id], true, "mercure"],
    [[b!.id], true, "mercure"],
  ]);
  equal(await listAll(here), [a!.id, b!.id]);
  leave();
  await here.idle();
  equal(cell.documents().slice(2).map(({ id, active }) => [id, active]), [[a!.id, false], [b!.id, false]]);
  equal(await listAll(here), []);
});

testStores("active: those of one matcher are listed alone, and one by its subscriber", async (openKv) => {
  await using kv = await openKv();
  const cell = createCell(kv), here = await cell.join(), there = await cell.join();
  here.listen(exact("a"), exact("b"));
  there.listen(exact("a"), { match: "a", type: "urlpattern" });
  await Promise.all([here.idle(), there.idle()]);
  await pass(10, cell, here, there);
  for (const member of [here, there]) {
    equal([(await member.list({})).length, (await member.list({ matcher: exact("a") })).length], [4, 2]);
    equal(matches(await member.list({ matcher: { match: "a", type: "urlpattern" } })), ["a"]);
    const [one] = await member.list({ matcher: exact("b") });
    equal(await member.list({ matcher: exact("b"), subscriber: one!.subscriber }), [one!]);
    equal(await member.list({ matcher: exact("c"), subscriber: one!.subscriber }), []);
  }
});

testStores("active: two streams that ask for the same are two, by names of their own", async (openKv) => {
  await using kv = await openKv();
  const cell = createCell(kv), here = await cell.join();
  const leave = here.listen(exact("a"));
  here.listen(exact("a"));
  await here.idle();
  equal(new Set((await here.list({})).map(({ subscriber }) => subscriber)).size, 2);
  leave();
  await here.idle();
  equal([await listAll(here), cell.truth().length], [cell.truth(), 1]);
});

testStores(
  "active: a worker that was just started shows those of all that live, and of none that is dead",
  async (openKv) => {
    await using kv = await openKv();
    const cell = createCell(kv), [living, dying] = [await cell.join(), await cell.join()];
    living.listen(exact("a"));
    dying.listen(exact("b"));
    await Promise.all([living.idle(), dying.idle()]);
    dying.kill();
    cell.clock.advance(1_000);
    const young = await cell.join();
    let listed: string[] | undefined;
    const listing = young.list({}).then((all) => listed = matches(all));
    await young.idle();
    equal(listed, undefined);
    while (!listed) await pass(5, cell, living, young);
    await listing;
    equal(listed, ["a"]);
  },
);

testStores("active: what a dead worker left is hidden within 20 seconds, then told as ended, once", async (openKv) => {
  await using kv = await openKv();
  const cell = createCell(kv), [dead, ...others] = [await cell.join(), await cell.join(), await cell.join()];
  for (let n = 0; n < 50; n++) dead.listen(exact(`t/${n}`));
  await dead.idle();
  await pass(10, cell, ...others, dead);
  equal((await others[0]!.list({})).length, 50);
  dead.kill();
  await pass(25, cell, ...others);
  equal(await others[0]!.list({}), []);
  for (let minute = 0; minute < 7; minute++) {
    await pass(60, cell, ...others);
    await Promise.all(others.map(({ presence }) => presence.minute()));
    await Promise.all(others.map(({ minute }) => minute()));
  }
  equal([cell.told.length, cell.truth()], [100, []]);
  for (const prefix of ["active", "era"]) equal(await Array.fromAsync(kv.list({ prefix: [prefix] })), []);
});

testStores(
  "active: who dies while it ends what a dead worker left is taken over from, and nothing is told twice",
  async (openKv) => {
    await using kv = await openKv();
    const cell = createCell(kv), [dead, digger, last] = [await cell.join(), await cell.join(), await cell.join()];
    const long = "x".repeat(900);
    for (let n = 0; n < 60; n++) dead.listen({ ...exact(`${n}${long}`), payload: { long } });
    await dead.idle();
    equal(cell.told.length, 60);
    dead.kill();
    const bury = async (...living: Member[]) => {
      for (let minute = 0; minute < 6; minute++) {
        await pass(60, cell, ...living);
        for (const each of living) await each.presence.minute();
      }
    };
    await bury(digger, last);
    let pages = 0;
    cell.refuse = () => ++pages < 3 ? undefined : new Error("the worker is dead");
    await digger.minute().catch(() => {});
    digger.kill();
    cell.refuse = undefined;
    ok(cell.told.length > 60 && cell.told.length < 120, `${cell.told.length}`);
    await last.minute();
    ok(cell.told.length < 120);
    await bury(last);
    await last.minute();
    equal([cell.told.length, cell.truth(), await Array.fromAsync(kv.list({ prefix: ["active"] }))], [120, [], []]);
  },
);

testStores(
  "active: a worker that lives, and was taken for dead, tells of what is open by new names",
  async (openKv) => {
    await using kv = await openKv();
    const cell = createCell(kv), [here, there] = [await cell.join(), await cell.join()];
    const leave = here.listen(exact("a"));
    here.listen(exact("b"));
    await here.idle();
    const before = cell.truth();
    for (let minute = 0; minute < 6; minute++) {
      await pass(60, cell, there);
      await there.presence.minute();
    }
    await there.minute();
    equal(cell.truth(), []);
    await here.presence.count();
    leave();
    here.listen(exact("c"));
    await here.idle();
    await here.minute();
    await here.idle();
    equal([matches(await here.list({})), await listAll(here)], [["b", "c"], cell.truth()]);
    equal(cell.truth().some((id) => before.includes(id)), false);
    await there.minute();
    await pass(10, cell, here, there);
    equal(await listAll(there), cell.truth());
  },
);

testEmbedded(
  "active: on an embedded database what a process before has left is hidden at once, and ended",
  async (openKv) => {
    await using kv = await openKv();
    const cell = createCell(kv), killed = await cell.join({ embedded: true });
    killed.listen(exact("a"));
    await killed.idle();
    killed.kill();
    const next = await cell.join({ embedded: true });
    next.listen(exact("b"));
    await next.idle();
    equal(matches(await next.list({})), ["b"]);
    await next.minute();
    equal([cell.truth(), (await Array.fromAsync(kv.list({ prefix: ["active"] }))).length], [await listAll(next), 1]);
  },
);

testStores("active: a worker that leaves tells of every end, and leaves nothing", async (openKv) => {
  await using kv = await openKv();
  const cell = createCell(kv), here = await cell.join();
  const leaving = Array.from({ length: 500 }, (_, n) => here.listen(exact(`t/${n}`)));
  await here.idle();
  for (const leave of leaving) leave();
  await here.drain();
  equal([cell.told.length, cell.truth()], [1_000, []]);
  for (const prefix of ["active", "era"]) equal(await Array.fromAsync(kv.list({ prefix: [prefix] })), []);
});

testStores(
  "active: a worker that leaves a database which fails does not wait for it, and others end the rest",
  async (openKv) => {
    await using kv = await openKv();
    const cell = createCell(kv), [here, there] = [await cell.join(), await cell.join()];
    const leave = here.listen(exact("a"));
    await here.idle();
    cell.refuse = () => new Error("no answer");
    leave();
    await here.drain();
    await here.presence.leave();
    cell.refuse = undefined;
    await there.minute();
    equal([cell.truth(), await Array.fromAsync(kv.list({ prefix: ["era"] }))], [[], []]);
  },
);

testStores("active: streams that come at once are a few writes, in the order in which they came", async (openKv) => {
  await using kv = await openKv();
  let commits = 0;
  const cell = createCell(kv), here = await cell.join({ kv: faultyKv(kv, (commit) => (commits++, commit())) });
  commits = 0;
  for (let n = 0; n < 800; n++) here.listen(exact(`t/${n}`));
  await here.idle();
  ok(commits <= 8, `${commits}`);
  equal(cell.documents().map(({ match }) => match), Array.from({ length: 800 }, (_, n) => `t/${n}`));
});

testStores(
  "active: a write whose answer was lost, or that failed, is made good, and nothing is told twice",
  async (openKv) => {
    await using kv = await openKv();
    let faults: string[] = [];
    const cell = createCell(kv),
      here = await cell.join({
        kv: faultyKv(kv, async (commit) => {
          const fault = faults.shift();
          if (fault === "failed") throw new Error(fault);
          const result = await commit();
          if (fault === "lost") throw new Error(fault);
          return result;
        }),
      });
    const settle = async () => {
      while (faults.length > 0) (await here.idle(), cell.clock.advance(1_000));
      (await here.idle(), cell.clock.advance(1_000), await here.idle());
    };
    faults = ["lost", "failed", "lost"];
    const leave = here.listen(exact("a"), exact("b"));
    await settle();
    equal([matches(await here.list({})), cell.told.length], [["a", "b"], 2]);
    faults = ["failed", "lost"];
    leave();
    await settle();
    equal([await listAll(here), cell.truth(), cell.told.length], [[], [], 4]);
  },
);

testStores(
  "active: while the database fails streams wait to be listed, and beyond 50,000 they are refused",
  async (openKv) => {
    await using kv = await openKv();
    const cell = createCell(kv), here = await cell.join();
    cell.refuse = () => new Error("no answer");
    const hundred = Array.from({ length: 100 }, (_, n) => exact(`${n}`));
    for (let n = 0; n < 500; n++) here.track(hundred, `owner ${n}`).opened();
    await refuses("overloaded", () => here.track([exact("a")]));
    await here.drain();
  },
);

testEmbedded("active: what others wrote is believed to be anything, and is set aside", async (openKv) => {
  await using kv = await openKv();
  const cell = createCell(kv), here = await cell.join();
  here.listen(exact("a"));
  await here.idle();
  const value = fc.oneof(fc.jsonValue(), fc.uint8Array({ maxLength: 64 }), fc.bigInt());
  await fc.assert(
    fc.asyncProperty(value, fc.string(), async (value, name) => {
      for (const key of [["active", name, name], ["era", name]]) await kv.set(key, value);
      await here.minute();
      equal(matches(await here.list({})), ["a"]);
      for (const key of [["active", name, name], ["era", name]]) {
        equal((await kv.get(key)).versionstamp !== null, true);
        await kv.delete(key);
      }
    }),
    { numRuns: 30 },
  );
  ok((await here.metrics.recordsSetAside.get()).values.length > 0);
});

/** What happens in a cell. */
const event = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("open" as const), at: fc.nat(1), match: fc.constantFrom("a", "b", "c") }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("close" as const), at: fc.nat(1), which: fc.nat(9) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom("fail" as const, "idle" as const, "minute" as const), at: fc.nat(1) }),
  },
);

testEmbedded("active: whatever happens, what is listed is what was told, and what is open", async (openKv) => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 30 }), async (events) => {
      await using kv = await openKv();
      const cell = createCell(kv), members = [await cell.join(), await cell.join()];
      const open: { match: string; leave: () => void }[][] = [[], []];
      let failures = 0;
      cell.refuse = () => failures > 0 ? (failures--, new Error("no answer")) : undefined;
      for (const each of events) {
        const member = members[each.at]!, its = open[each.at]!;
        if (each.kind === "open") its.push({ match: each.match, leave: member.listen(exact(each.match)) });
        if (each.kind === "close") its.splice(each.which, 1).forEach(({ leave }) => leave());
        if (each.kind === "fail") failures++;
        if (each.kind === "idle") await member.idle();
        if (each.kind === "minute") await minuteOf(cell, member);
      }
      for (let turn = 0; turn < 4 + events.length; turn++) await pass(5, cell, ...members);
      for (const member of members) {
        equal(matches(await member.list({})), open.flat().map(({ match }) => match).sort());
        equal(await listAll(member), cell.truth());
      }
    }),
    { numRuns: 25 },
  );
});
