import { openBroker } from "../../src/broker/broker.ts";
import { createReplays, type Tape } from "../../src/broker/replay.ts";
import { createRing } from "../../src/broker/ring.ts";
import { comparePositions, EARLIEST, type Position } from "../../src/model/position.ts";
import { parseEventId } from "../../src/wire/event_id.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { brokerDeps, change, countScans, memorySink, reader } from "../helpers/broker.ts";
import { manualClock } from "../helpers/clock.ts";
import { systemClock } from "../../src/clock.ts";
import { testStores } from "../helpers/stores.ts";

/** Beyond every event. */
const HEAD = { versionstamp: "f".repeat(20), index: 0 };

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
  return { ...broker, ids, [Symbol.asyncDispose]: broker.drain };
}

async function read(broker: Awaited<ReturnType<typeof brokerWith>>, id: string, done: (data: string[]) => boolean) {
  const sink = memorySink();
  const { from, lost } = await broker.locate(id);
  const gone = broker.admit(reader("*"), { from, lost, expiresAt: Infinity })(sink);
  while (!done(sink.data)) await new Promise((resolve) => setTimeout(resolve));
  gone();
  return sink;
}

testStores(
  "replay: what is older than the ring is read from the journal, then the ring, without a seam",
  async (openKv) => {
    await using kv = await openKv();
    await using broker = await brokerWith(kv, 40);
    for (const at of [0, 7, 20, 33, 34, 35, 38]) {
      const { data } = await read(broker, broker.ids[at]!, (data) => data.length >= 39 - at);
      equal(data, Array.from({ length: 39 - at }, (_, n) => `${at + 1 + n}`));
    }
    equal((await read(broker, "earliest", (data) => data.length >= 40)).data.length, 40);
  },
);

testStores("replay: what is published during a replay comes after it, once", async (openKv) => {
  await using kv = await openKv();
  await using broker = await brokerWith(kv, 60);
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

testStores("replay: a cursor within a batch continues within it", async (openKv) => {
  await using kv = await openKv();
  await using broker = await brokerWith(kv, 0);
  const ids = await broker.publish({ changes: [change("a"), change("b"), change("c")] });
  for (let n = 0; n < 10; n++) await broker.publish({ changes: [change(`${n}`)] });
  await broker.locate(`${ids[2]}9`);
  const { data } = await read(broker, ids[1]!, (data) => data.length >= 11);
  equal(data.slice(0, 2), ["c", "0"]);
});

testStores("replay: a publisher's own id is resumed from", async (openKv) => {
  await using kv = await openKv();
  await using broker = await brokerWith(kv, 3);
  await broker.publish({ changes: [change("x"), change("mine", { id: "urn:uuid:1" }), change("after")] });
  const { data } = await read(broker, "urn:uuid:1", (data) => data.length >= 1);
  equal(data, ["after"]);
});

testStores("replay: an id of another epoch, from the future, or never given is lost", async (openKv) => {
  await using kv = await openKv();
  await using broker = await brokerWith(kv, 3);
  const { epoch, position } = parseEventId(broker.ids[2]!)!;
  for (
    const id of [
      `otherone.${position.versionstamp}.0`,
      `#${epoch}.fffffffffffffffffff0.0`,
      `#${epoch}.${position.versionstamp}.1`,
      "urn:never",
    ]
  ) {
    equal(await broker.locate(id), { from: EARLIEST, lost: true }, id);
  }
  equal((await broker.locate(broker.ids[2]!)).lost, false);
});

testStores("replay: readers at the same place share one scan, and too many are refused", async (openKv) => {
  await using kv = await openKv();
  await using _filled = await brokerWith(kv, 30);
  const { counting, scans } = countScans(kv);
  const deps = brokerDeps(kv);
  const replays = createReplays({ ...deps, clock: systemClock, kv: counting, ring: createRing(deps.epoch, HEAD) });
  const texts: string[] = [];
  const runs = Array.from({ length: 256 }, () => replays.run(EARLIEST, tapeTo(texts, HEAD)));
  await refuses("too_many_replays", () => replays.checkRoom());
  await Promise.all(runs);
  equal(texts.join("").match(/^data: /gm)?.length, 256 * 30);
  // Four pages are shared; that nothing lies between its last event and the ring each reader asks by itself.
  ok(scans() <= 256 + 8, `${scans()} scans for 256 readers`);
  replays.checkRoom();
});

/** A reader that takes everything, and goes live at a position. */
function tapeTo(texts: string[], end: Position): Tape {
  return {
    sees: () => true,
    write: (text) => void texts.push(text),
    lost: () => void texts.push("lost"),
    cut: () => ok(false, "it was cut"),
    advance: (at) => void ok(comparePositions(at, end) >= 0, "it goes live before the end"),
    isBehind: () => false,
    isOpen: () => true,
  };
}

testStores("replay: what was pruned while a reader caught up is a loss that it is told of", async (openKv) => {
  await using kv = await openKv();
  const clock = manualClock();
  const broker = await openBroker({ ...brokerDeps(kv, clock), limits: { ring: { bytes: 1e6, events: 5 } } });
  await using _drained = { [Symbol.asyncDispose]: broker.drain };
  const ids: string[] = [];
  for (let n = 0; n < 60; n++) ids.push(...await broker.publish({ changes: [change(`${n}`)] }));
  await broker.locate(`${ids.at(-1)}9`);
  const sink = memorySink();
  const { from, lost } = await broker.locate(ids[0]!);
  sink.queued = 1e9;
  const gone = broker.admit(reader("*"), { from, lost, expiresAt: Infinity })(sink);
  clock.advance(25 * 3_600_000);
  await broker.minute();
  sink.queued = 0;
  clock.advance(20);
  while (!sink.data.includes("59")) await new Promise((resolve) => setTimeout(resolve));
  equal(sink.data[0], "earliest", "it hears of the loss");
  gone();
});

testStores("replay: slow readers hold up nobody else", async (openKv) => {
  await using kv = await openKv();
  await using broker = await brokerWith(kv, 60);
  const slow = Array.from({ length: 10 }, () => {
    const sink = Object.assign(memorySink(), { queued: 1e9 });
    return broker.admit(reader("*"), { from: EARLIEST, lost: false, expiresAt: Infinity })(sink);
  });
  equal((await read(broker, "earliest", (data) => data.length >= 60)).data.length, 60);
  for (const gone of slow) gone();
  await new Promise((resolve) => setTimeout(resolve, 30));
});

testStores("replay: a reader that never reads is cut when its patience is over", async (openKv) => {
  await using kv = await openKv();
  await using _filled = await brokerWith(kv, 30);
  const deps = brokerDeps(kv);
  const clock = { now: () => 0, elapsed: () => 0, wait: () => Promise.resolve() };
  const replays = createReplays({ ...deps, clock, ring: createRing(deps.epoch, HEAD) });
  let open = true;
  const tape = { ...tapeTo([], HEAD), cut: () => void (open = false), isBehind: () => true, isOpen: () => open };
  await replays.run(EARLIEST, tape);
  equal(open, false);
});

testStores("replay: of two events with the same id the older one is resumed from", async (openKv) => {
  await using kv = await openKv();
  await using broker = await brokerWith(kv, 0);
  await broker.publish({ changes: [change("mine", { id: "42" })] });
  await broker.publish({ changes: [change("between")] });
  const ids = await broker.publish({
    changes: [change("theirs", { id: "42" }), change("again", { id: "42" }), change("x")],
  });
  await broker.locate(`${ids[2]}9`);
  equal((await read(broker, "42", (data) => data.length >= 4)).data, ["between", "theirs", "again", "x"]);
});

testStores("replay: the id of an empty journal is a place like any other", async (openKv) => {
  await using kv = await openKv();
  await using broker = await brokerWith(kv, 20);
  equal((await broker.locate(`#epoch123.${"0".repeat(20)}.0`)).lost, true, "another epoch");
  const epoch = parseEventId(broker.ids[0]!)!.epoch;
  equal((await broker.locate(`#${epoch}.${"0".repeat(20)}.0`)).lost, false);
});
