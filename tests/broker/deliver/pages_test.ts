/** Topics with very many subscribers: cut into pages, which any worker may send. */
import type { Delivery, Outcome } from "../../../src/model/delivery.ts";
import { PAGE_AFTER } from "../../../src/broker/deliver/pass.ts";
import { subscriberEntry } from "../../../src/store/subscribers.ts";
import { findSubscription } from "../../../src/store/subscriptions.ts";
import {
  commitChanges,
  contentChange,
  createEngine,
  type Engine,
  subscribe,
  subscription,
} from "../../helpers/engine.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { memoryKv } from "../../helpers/broker.ts";

const TOPIC = "https://dav.example/holidays/";
const COUNT = PAGE_AFTER + 2_500;

/** Ids as they are: random characters of base64url. */
const IDS = Array.from(
  { length: COUNT },
  () => crypto.getRandomValues(new Uint8Array(17)).toBase64({ alphabet: "base64url", omitPadding: true }).slice(0, 22),
);

/** Many subscribers of one topic; of their subscriptions only what a pass reads, since storing them takes long. */
async function subscribeMany(kv: Deno.Kv): Promise<void> {
  for (let at = 0; at < COUNT; at += 500) {
    const atomic = kv.atomic();
    for (const id of IDS.slice(at, at + 500)) {
      const each = { ...subscription("", [TOPIC]), id, maxDelay: at % 1_000 ? 60 : 5 };
      const [key, value] = subscriberEntry(each, each.topics[0]!);
      atomic.set(key, value);
    }
    await atomic.commit();
  }
}

const token = (syncToken: string) => contentChange(TOPIC, { content: { depth: "1", syncToken, except: [] } });

async function startAll(...engines: Engine[]): Promise<void> {
  for (const engine of engines) {
    await engine.start();
    await engine.idle();
  }
}

async function passAll(engines: Engine[], milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 1_000) {
    for (const engine of engines) engine.clock.advance(1_000);
    for (const engine of engines) await engine.idle();
  }
}

async function count(kv: Deno.Kv, prefix: string): Promise<number> {
  return (await Array.fromAsync(kv.list({ prefix: [prefix] }))).length;
}

/** How often each subscriber was told. */
function times(...engines: Engine[]): Map<string, number> {
  const told = new Map<string, number>();
  for (const { id } of engines.flatMap(({ sent }) => sent)) told.set(id, (told.get(id) ?? 0) + 1);
  return told;
}

Deno.test("pages: a topic with more than 10,000 subscribers is cut into pages, and everybody is told once", async () => {
  await using kv = await memoryKv();
  await subscribeMany(kv);
  const engine = createEngine(kv);
  await startAll(engine);
  await engine.publish(token("1"));
  equal(engine.sent.length, PAGE_AFTER);
  equal(await count(kv, "page"), 0);
  await engine.pass(1_000);
  equal([engine.sent.length, times(engine).size], [COUNT, COUNT]);
  equal(await count(kv, "page"), 0);
  // The topic goes on.
  await engine.publish(token("2"));
  await engine.pass(7_000);
  equal(engine.sent.length, 2 * COUNT);
  await engine.leave();
});

Deno.test("pages: one with 10,000 is not", async () => {
  await using kv = await memoryKv();
  await subscribeMany(kv);
  for (const id of IDS.slice(PAGE_AFTER - 1)) {
    for (const maxDelay of [5, 60]) {
      const each = { ...subscription("", [TOPIC]), id, maxDelay };
      await kv.delete(subscriberEntry(each, each.topics[0]!)[0]);
    }
  }
  const engine = createEngine(kv);
  await startAll(engine);
  await engine.publish(token("1"));
  equal(engine.sent.length, PAGE_AFTER - 1);
  await engine.leave();
});

Deno.test("pages: several workers share them", async () => {
  await using kv = await memoryKv();
  await subscribeMany(kv);
  let held: PromiseWithResolvers<void> | undefined;
  const answer = async () => void await held?.promise as undefined;
  const engines = [1, 2].map(() => createEngine(kv, { embedded: false, answer }));
  await startAll(...engines);
  const batch = await commitChanges(kv, token("1"));
  for (const engine of engines) engine.seen(batch);
  for (const engine of engines) await engine.idle();
  // Each takes four pages at a time, and waits for its push service.
  held = Promise.withResolvers();
  await passAll(engines, 6_000);
  held.resolve();
  held = undefined;
  await passAll(engines, 12_000);
  const told = times(...engines);
  equal(told.size, COUNT);
  equal(Math.max(...told.values()), 1);
  ok(engines.every(({ sent }) => sent.length > 0), engines.map(({ sent }) => sent.length).join());
  for (const engine of engines) await engine.leave();
});

Deno.test("pages: those of a dead worker are taken over where it stopped", async () => {
  await using kv = await memoryKv();
  await subscribeMany(kv);
  let budget = Infinity;
  const answer = (): undefined | Promise<Outcome> => budget-- > 0 ? undefined : new Promise(() => {});
  const [first, second] = [createEngine(kv, { embedded: false, answer }), createEngine(kv, { embedded: false })];
  await startAll(first, second);
  const batch = await commitChanges(kv, token("1"));
  budget = PAGE_AFTER + 300;
  for (const engine of [first, second]) engine.seen(batch);
  await first.idle();
  await first.pass(2_000);
  first.kill();
  ok(await count(kv, "page") > 0);
  await passAll([second], 40_000);
  equal(times(first, second).size, COUNT);
  const told = [...times(first, second).values()];
  // What was under way in four pages, and what was done since their last commits.
  ok(told.filter((n) => n > 1).length <= 4 * 16 + 300, `${told.filter((n) => n > 1).length}`);
  equal(await count(kv, "page"), 0);
  await second.leave();
});

Deno.test("pages: what one cannot deliver is tried again by the shard's owner", async () => {
  await using kv = await memoryKv();
  await subscribeMany(kv);
  const unlucky = new Map<string, Outcome>();
  const failing = (delivery: Delivery): Outcome | undefined => {
    const outcome = unlucky.get(delivery.subscriber.id);
    unlucky.delete(delivery.subscriber.id);
    return outcome;
  };
  const engine = createEngine(kv, { answer: failing });
  const last = IDS.toSorted().slice(-40);
  for (const [index, id] of last.entries()) {
    await subscribe(kv, { ...subscription("", [TOPIC]), id, maxDelay: 60 });
    unlucky.set(id, index % 2 ? { kind: "gone" } : { kind: "retry", tried: true });
  }
  await startAll(engine);
  await engine.publish(token("1"));
  await engine.pass(10_000);
  const told = times(engine);
  for (const [index, id] of last.entries()) {
    ok(told.get(id)! >= (index % 2 ? 1 : 2), `${index}: ${told.get(id)}`);
    equal(Boolean((await findSubscription(kv, id)).kept), index % 2 === 0);
  }
  equal([await count(kv, "handback"), await count(kv, "retry"), await count(kv, "due")], [0, 0, 0]);
  await engine.leave();
});

Deno.test("pages: a change that comes while pages are sent waits until they are done", async () => {
  await using kv = await memoryKv();
  await subscribeMany(kv);
  const held = Promise.withResolvers<void>();
  let hold = false;
  const engine = createEngine(kv, { answer: () => hold ? held.promise.then(() => undefined) : undefined });
  await startAll(engine);
  await engine.publish(token("1"));
  hold = true;
  await engine.pass(1_000);
  const before = engine.sent.length;
  await engine.publish(token("2"));
  await engine.pass(8_000);
  equal(engine.sent.length, before);
  hold = false;
  held.resolve();
  await engine.pass(10_000);
  equal(times(engine).size, COUNT);
  equal(new Set(times(engine).values()).size, 1);
  await engine.leave();
});
