import { createMemoryWatch, PLENTY, SHORT } from "../../src/broker/memory_watch.ts";
import type { Memory } from "../../src/memory.ts";
import { equal } from "../helpers/assert.ts";
import { brokerDeps, memoryKv } from "../helpers/broker.ts";

/** What a watch says to one reading after the other. */
async function answers(...readings: Memory[][]) {
  await using kv = await memoryKv();
  const deps = { ...brokerDeps(kv), readMemory: () => readings.shift()! };
  const { look } = createMemoryWatch(deps);
  const said = [...readings].map(() => look());
  const gauge = async (name: "memoryRatio" | "memoryShort") => (await deps.metrics[name].get()).values[0]!.value;
  return { said, ratio: await gauge("memoryRatio"), short: await gauge("memoryShort") };
}

const share = (used: number): Memory[] => [{ used: 1_000 * used, limit: 1_000 }];

Deno.test("memory watch: it is short from the one mark on, until less than the other is used", async () => {
  const between = (SHORT + PLENTY) / 2;
  const { said } = await answers(...[0.1, between, SHORT, between, PLENTY, 0.7, between, 0.99].map(share));
  equal(said, [false, false, true, true, true, false, false, true]);
});

Deno.test("memory watch: the fuller of several kinds counts, and the gauges say so", async () => {
  equal(await answers([...share(0.2), ...share(0.9), ...share(0.5)]), { said: [true], ratio: 0.9, short: 1 });
  equal(await answers([{ used: 1, limit: Infinity }]), { said: [false], ratio: 0, short: 0 });
});

Deno.test("memory watch: where a platform tells nothing it is never short", async () => {
  equal(await answers([]), { said: [false], ratio: 0, short: 0 });
});
