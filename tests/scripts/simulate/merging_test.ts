import fc from "fast-check";
import { append, authorOf, createList, type List, pack, timeOf } from "../../../scripts/simulate/change.ts";
import { exceptOf, mergeByWindow, mergeChanges, sentAt } from "../../../scripts/simulate/merging.ts";
import { createRandom } from "../../../scripts/simulate/random.ts";
import type { Push } from "../../../scripts/simulate/strategies.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { contentChange, createEngine, subscribe, subscription } from "../../helpers/engine.ts";

const TOPIC = "https://dav.example/alice/work/";
const PRIORITIES = [90, 50, 10];

type Drawn = { gap: number; author: number; importance: number };

const drawn = fc.array(
  fc.record({
    // At once, within a window, at its edge, and after all is forgotten.
    gap: fc.oneof(
      fc.nat(3),
      fc.nat(10_000),
      fc.integer({ min: 50_000, max: 200_000 }),
      fc.constantFrom(60_000, 120_000),
    ),
    author: fc.nat(3),
    importance: fc.nat(2),
  }),
  { maxLength: 30 },
);

const push = fc.record({ minPriority: fc.constantFrom(0, 25, 75, 95), maxDelay: fc.constantFrom(0, 4, 5, 60, 600) });

/** Changes of one collection, in order. */
function toList(drawn: Drawn[]): List {
  const list = createList();
  let time = 0;
  for (const { gap, author, importance } of drawn) append(list, pack(time += gap, 3, author, importance));
  return list;
}

const valuesOf = ({ values, length }: List) => values.slice(0, length);

function sendsOf(changes: List, push: Push) {
  const sends = createList();
  mergeChanges(sends, changes, push);
  return Array.from(valuesOf(sends), (send) => ({ at: sentAt(send), except: exceptOf(send) }));
}

Deno.test("simulate: what goes by without a window is sent as by one", () => {
  fc.assert(fc.property(drawn, push, (drawn, push) => {
    const changes = toList(drawn), fast = createList(), whole = createList();
    mergeChanges(fast, changes, push);
    mergeByWindow(whole, valuesOf(changes), push);
    equal(valuesOf(fast), valuesOf(whole));
  }));
});

Deno.test("simulate: who wants no delay gets one message for each change, but none of its own", () => {
  fc.assert(fc.property(drawn, (drawn) => {
    const changes = toList(drawn);
    const expected = Array.from(valuesOf(changes), (change) => ({ at: timeOf(change), except: authorOf(change) }));
    equal(sendsOf(changes, { minPriority: 0, maxDelay: 0 }), expected);
  }));
});

Deno.test("simulate: every device but its author is told of each change within the longest delay", () => {
  fc.assert(fc.property(drawn, fc.constantFrom(0, 5, 60), (drawn, maxDelay) => {
    const changes = valuesOf(toList(drawn)), sends = sendsOf(toList(drawn), { minPriority: 0, maxDelay });
    ok(sends.length <= changes.length);
    for (const change of changes) {
      const time = timeOf(change), due = sends.filter(({ at }) => at >= time && at <= time + 1000 * maxDelay);
      for (const device of [1, 2, 3].filter((device) => device !== authorOf(change))) {
        ok(due.some(({ except }) => except !== device), `${device} at ${time}`);
      }
    }
  }));
});

Deno.test("simulate: the real engine sends the same messages at the same time", async () => {
  using kv = await Deno.openKv(":memory:");
  const engine = createEngine(kv), random = createRandom(7);
  const wishes = [{ minPriority: 0, maxDelay: 0 }, { minPriority: 0, maxDelay: 5 }, { minPriority: 0, maxDelay: 60 }];
  const subscribers = [...wishes, { minPriority: 25, maxDelay: 60 }].flatMap((wish, i) => {
    return [1, 2].map((device) => ({ device, wish, id: `${i}${device}`.padEnd(22, "_") }));
  });
  for (const { id, device, wish } of subscribers) {
    await subscribe(kv, subscription(id, [TOPIC], { owner: `${device}`, ...wish }));
  }
  await engine.start();
  await engine.idle();
  const trace = Array.from({ length: 40 }, (): Drawn => {
    const gap = 1_000 * Math.floor(random() * [3, 10, 90][Math.floor(random() * 3)]!);
    return { gap, author: Math.floor(random() * 3), importance: Math.floor(random() * 3) };
  });
  for (const { gap, author, importance } of trace) {
    await engine.pass(gap);
    const content = { depth: "1" as const, except: author === 0 ? [] : [`${author}`] };
    await engine.publish(contentChange(TOPIC, {
      priority: PRIORITIES[importance],
      timestamp: engine.clock.now(),
      content,
    }));
  }
  await engine.pass(61_000);
  for (const { id, device, wish } of subscribers) {
    const sent = engine.sent.filter((each) => each.id === id).map(({ at }) => at);
    const simulated = sendsOf(toList(trace), wish).filter(({ except }) => except !== device);
    equal(sent, simulated.map(({ at }) => at), id);
    ok(sent.length > 10);
  }
  await engine.leave();
});
