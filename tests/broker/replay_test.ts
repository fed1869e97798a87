import { openBroker } from "../../src/broker/broker.ts";
import { createReplays } from "../../src/broker/replay.ts";
import { createRing } from "../../src/broker/ring.ts";
import { EARLIEST } from "../../src/model/position.ts";
import { parseEventId } from "../../src/wire/event_id.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { brokerDeps, change, memoryKv, memorySink, reader } from "../helpers/broker.ts";
import { systemClock } from "../../src/clock.ts";

/** A broker whose ring holds only the five newest events. */
async function brokerWith(kv: Deno.Kv, events: number) {
  const broker = await openBroker({
    ...brokerDeps(kv),
    clock: systemClock,
    limits: { ring: { bytes: 1e6, events: 5 } },
  });
  const ids: string[] = [];
  for (let n = 0; n < events; n++) ids.push(...await broker.publish({ changes: [change(`${n}`)] }));
  const catchUp = async () => void await broker.locate(`${ids.at(-1)}9`);
  await catchUp();
  return { ...broker, ids };
}

async function read(broker: Awaited<ReturnType<typeof brokerWith>>, id: string, done: (data: string[]) => boolean) {
  const sink = memorySink();
  const { from, lost } = await broker.locate(id);
  const gone = broker.admit(reader("*"), { from, lost, expiresAt: Infinity })(sink);
  while (!done(sink.data)) await new Promise((resolve) => setTimeout(resolve));
  gone();
  return sink;
}

Deno.test("replay: what is older than the ring is read from the journal, then the ring, without a seam", async () => {
  await using kv = await memoryKv();
  const broker = await brokerWith(kv, 40);
  for (const at of [0, 7, 20, 33, 34, 35, 38]) {
    const { data } = await read(broker, broker.ids[at]!, (data) => data.length >= 39 - at);
    equal(data, Array.from({ length: 39 - at }, (_, n) => `${at + 1 + n}`));
  }
  equal((await read(broker, "earliest", (data) => data.length >= 40)).data.length, 40);
});

Deno.test("replay: what is published during a replay comes after it, once", async () => {
  await using kv = await memoryKv();
  const broker = await brokerWith(kv, 60);
  const sink = memorySink();
  const gone = broker.admit(reader("*"), { from: EARLIEST, lost: false, expiresAt: Infinity })(sink);
  for (let n = 60; n < 90; n++) {
    const [id] = await broker.publish({ changes: [change(`${n}`)] });
    await broker.locate(`${id}9`);
  }
  while (sink.data.length < 90) await new Promise((resolve) => setTimeout(resolve));
  equal(sink.data, Array.from({ length: 90 }, (_, n) => `${n}`));
  gone();
});

Deno.test("replay: a cursor within a batch continues within it", async () => {
  await using kv = await memoryKv();
  const broker = await brokerWith(kv, 0);
  const ids = await broker.publish({ changes: [change("a"), change("b"), change("c")] });
  for (let n = 0; n < 10; n++) await broker.publish({ changes: [change(`${n}`)] });
  await broker.locate(`${ids[2]}9`);
  const { data } = await read(broker, ids[1]!, (data) => data.length >= 11);
  equal(data.slice(0, 2), ["c", "0"]);
});

Deno.test("replay: a publisher's own id is resumed from", async () => {
  await using kv = await memoryKv();
  const broker = await brokerWith(kv, 3);
  await broker.publish({ changes: [change("x"), change("mine", { id: "urn:uuid:1" }), change("after")] });
  const { data } = await read(broker, "urn:uuid:1", (data) => data.length >= 1);
  equal(data, ["after"]);
});

Deno.test("replay: an id of another epoch, from the future, or never given is lost", async () => {
  await using kv = await memoryKv();
  const broker = await brokerWith(kv, 3);
  const { epoch, position } = parseEventId(broker.ids[2]!)!;
  for (
    const id of [
      `otherone.${position.versionstamp}.0`,
      `${epoch}.fffffffffffffffffff0.0`,
      `${epoch}.${position.versionstamp}.1`,
      "urn:never",
    ]
  ) {
    equal(await broker.locate(id), { from: EARLIEST, lost: true }, id);
  }
  equal((await broker.locate(broker.ids[2]!)).lost, false);
});

Deno.test("replay: readers at the same place share one scan, and too many are refused", async () => {
  await using kv = await memoryKv();
  await brokerWith(kv, 30);
  let scans = 0;
  const counting = new Proxy(kv, {
    get(target, name) {
      if (name === "list") scans++;
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const deps = brokerDeps(kv);
  const head = { versionstamp: "f".repeat(20), index: 0 };
  const replays = createReplays({ ...deps, clock: systemClock, kv: counting, ring: createRing(deps.epoch, head) });
  const admitted = Array.from({ length: 260 }, () => replays.admit());
  await refuses("too_many_replays", () => replays.admit());
  const texts: string[] = [];
  const tape = {
    sees: () => true,
    write: (text: string) => void texts.push(text),
    cut: () => {},
    join: () => {},
    queued: 0,
    open: true,
  };
  await Promise.all(admitted.map((replay) => replay(EARLIEST, tape)));
  equal(texts.join("").match(/^data: /gm)?.length, 260 * 30);
  ok(scans < 200, `${scans} scans for 260 readers`);
  replays.admit();
});

Deno.test("replay: a reader that never reads is cut when its patience is over", async () => {
  await using kv = await memoryKv();
  await brokerWith(kv, 30);
  const deps = brokerDeps(kv);
  const head = { versionstamp: "f".repeat(20), index: 0 };
  const clock = { now: () => 0, wait: () => Promise.resolve() };
  const replays = createReplays({ ...deps, clock, ring: createRing(deps.epoch, head) });
  const tape = {
    sees: () => true,
    write: () => {},
    cut: () => void (tape.open = false),
    join: () => ok(false, "it joined"),
    queued: 1e9,
    open: true,
  };
  await replays.admit()(EARLIEST, tape);
  equal(tape.open, false);
});
