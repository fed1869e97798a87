import fc from "fast-check";
import type { ActiveSubscription } from "../../src/model/active_subscription.ts";
import {
  commitEra,
  deleteActive,
  type Era,
  forgetEra,
  listActive,
  listEra,
  listEras,
} from "../../src/store/active_subscriptions.ts";
import { newSubscriber } from "../../src/wire/active_subscription.ts";
import { text } from "../helpers/arbitraries.ts";
import { equal } from "../helpers/assert.ts";
import { testStores } from "../helpers/stores.ts";

const unread = (key: Deno.KvKey) => {
  throw new Error(`not read: ${key}`);
};
const era = (id: string, more: Partial<Era> = {}): Era => ({
  id,
  worker: "w",
  nonce: "n",
  versionstamp: null,
  ...more,
});

const subscription: fc.Arbitrary<ActiveSubscription> = fc.record({
  match: text.map((each) => each.toWellFormed().replace(/[\r\n\0]/g, "")).filter((each) => each !== ""),
  type: fc.constantFrom("exact", "urlpattern"),
  subscriber: fc.constant(null).map(newSubscriber),
  payload: fc.dictionary(fc.string().filter((name) => name !== "__proto__"), fc.string(), {
    maxKeys: 3,
    noNullPrototype: true,
  }),
}, { requiredKeys: ["match", "type", "subscriber"], noNullPrototype: true });

const sorted = (all: ActiveSubscription[]) => all.toSorted((a, b) => a.subscriber < b.subscriber ? -1 : 1);

testStores(
  "active subscriptions: what was written is listed, by all, by its matcher and by its subscriber",
  async (openKv) => {
    await using kv = await openKv();
    await fc.assert(
      fc.asyncProperty(fc.array(subscription, { maxLength: 8 }), async (all) => {
        const mine = era(crypto.randomUUID());
        mine.versionstamp = (await commitEra(kv, mine, all))!;
        equal(sorted(await listEra(kv, mine.id, unread)), sorted(all));
        const whole = all.map((each) => ({ era: mine.id, ...each }));
        equal(sorted(await listActive(kv, {}, 1_000, unread)), sorted(whole));
        for (const each of whole) {
          const { subscriber, match, type } = each, matcher = { match, type };
          const alike = whole.filter((other) => other.match === match && other.type === type);
          equal(sorted(await listActive(kv, { matcher }, 1_000, unread)), sorted(alike));
          equal(await listActive(kv, { matcher, subscriber }, 1, unread), [each]);
        }
        await deleteActive(kv, all);
        await forgetEra(kv, mine.id);
        equal([await listActive(kv, {}, 1_000, unread), await listEras(kv, unread)], [[], []]);
      }),
      { numRuns: 20 },
    );
  },
);

testStores("active subscriptions: nothing is written in an era that others have buried", async (openKv) => {
  await using kv = await openKv();
  const one = { match: "a", type: "exact" as const, subscriber: newSubscriber() };
  const mine = era("e");
  mine.versionstamp = (await commitEra(kv, mine))!;
  const buried = { ...mine, buriedBy: "other", nonce: "theirs" };
  buried.versionstamp = (await commitEra(kv, buried))!;
  equal(await commitEra(kv, { ...mine, nonce: "m" }, [one]), undefined);
  equal(await commitEra(kv, { ...mine, nonce: "m", versionstamp: null }, [one]), undefined);
  equal([await listEra(kv, "e", unread), await listEras(kv, unread)], [[], [buried]]);
  await forgetEra(kv, "e");
  equal(await commitEra(kv, { ...mine, nonce: "m" }, [one]), undefined);
  equal(await listActive(kv, {}, 10, unread), []);
});

testStores(
  "active subscriptions: a write that is repeated with its nonce is known, one with another is not",
  async (openKv) => {
    await using kv = await openKv();
    const mine = era("e", { nonce: "first" });
    const written = await commitEra(kv, mine);
    equal([await commitEra(kv, mine), await commitEra(kv, { ...mine, nonce: "second" })], [written, undefined]);
  },
);

testStores("active subscriptions: no more are listed than are asked for", async (openKv) => {
  await using kv = await openKv();
  const all = Array.from({ length: 20 }, () => ({ match: "a", type: "exact" as const, subscriber: newSubscriber() }));
  await commitEra(kv, era("e"), all);
  equal(
    [(await listActive(kv, {}, 7, unread)).length, (await listActive(kv, { matcher: all[0]! }, 50, unread)).length],
    [7, 20],
  );
});
