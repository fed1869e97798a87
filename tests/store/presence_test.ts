import fc from "fast-check";
import { bitOf, readListeners, writePresence } from "../../src/store/presence.ts";
import { topicHash } from "../../src/store/subscribers.ts";
import { equal, ok } from "../helpers/assert.ts";
import { testStores } from "../helpers/stores.ts";

const bit = fc.integer({ min: 0, max: 65_535 });

Deno.test("presence: a topic has one of 65,536 bits, and all of them are used alike", () => {
  const bits = Array.from({ length: 20_000 }, (_, n) => bitOf(topicHash(`t/${n}`)));
  ok(bits.every((each) => Number.isInteger(each) && each >= 0 && each < 65_536));
  ok(new Set(bits).size > 17_000 && new Set(bits.map((each) => each >> 8)).size === 256);
});

testStores("presence: the bits that were written are there, and no others", async (openKv) => {
  await using kv = await openKv();
  let versionstamp: string | null = null, before: number[] = [];
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(bit, { maxLength: 20 }), bit, async (all, other) => {
      const written = await writePresence(kv, "w", { versionstamp, changed: [...before, ...all], all });
      versionstamp = written.versionstamp;
      before = all;
      const asked = [...all, other, all[0] ?? 0];
      const [elsewhere, here] = [await readListeners(kv, "another", asked), await readListeners(kv, "w", asked)];
      for (const each of [...all, other]) equal(elsewhere(each), all.includes(each));
      equal(here(all[0] ?? 0), false);
    }),
    { numRuns: 20 },
  );
});
