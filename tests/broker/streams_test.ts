import { createReplays, PATIENCE } from "../../src/broker/replay.ts";
import { createRing } from "../../src/broker/ring.ts";
import { createSeats, type Seats } from "../../src/broker/seats.ts";
import { LIMITS } from "../../src/broker/stream.ts";
import { createStreams } from "../../src/broker/streams.ts";
import { EARLIEST, type Position } from "../../src/model/position.ts";
import type { Reader } from "../../src/broker/audience.ts";
import { CarillonError } from "../../src/errors.ts";
import { equal, ok, throws } from "../helpers/assert.ts";
import { brokerDeps, change, memoryKv, memorySink, reader } from "../helpers/broker.ts";
import { manualClock } from "../helpers/clock.ts";

const stamp = (n: number) => `${n}`.padStart(20, "0");

const seatsFor = (max: number, maxOwned = max) => createSeats({ max, maxOwned, memory: { look: () => false } });

/** Streams over a ring that the test fills; `turn` is where a round gives the loop back. */
function setUp(
  kv: Deno.Kv,
  options: {
    seats?: Seats;
    limits?: typeof LIMITS;
    turnStreams?: number;
    turn?: () => Promise<void>;
    pause?: () => Promise<void>;
  } = {},
) {
  const clock = manualClock();
  const deps = brokerDeps(kv, clock);
  const ring = createRing(deps.epoch);
  const replays = createReplays({ ...deps, ring });
  const streams = createStreams({ ...deps, ring, replays, seats: seatsFor(20_000), ...options });
  let number = 0;
  const publish = (...topics: string[]) => {
    streams.deliver(ring.append({ versionstamp: stamp(++number), bytes: 100, changes: topics.map((t) => change(t)) }));
  };
  const open = (who: Reader, from?: Position, expiresAt = Infinity) => {
    const sink = memorySink();
    const gone = streams.admit(who, { from, lost: false, expiresAt })(sink);
    return Object.assign(sink, { gone });
  };
  return { ...deps, streams, ring, publish, open };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("streams: each reader gets what it matches, in order", async () => {
  await using kv = await memoryKv();
  const { publish, open } = setUp(kv);
  const [all, a, pattern] = [open(reader("*")), open(reader("a")), open(reader("/x/*", "urlpattern"))];
  publish("a", "b");
  publish("/x/1", "a");
  await settled();
  equal(all.data, ["a", "b", "/x/1", "a"]);
  equal(a.data, ["a", "a"]);
  equal(pattern.data, ["/x/1"]);
});

Deno.test("streams: a private update reaches only who holds a grant on one of its topics", async () => {
  await using kv = await memoryKv();
  const { streams, ring, open } = setUp(kv);
  const [may, mayNot] = [
    open(reader("*", "exact", (topic) => topic === "alternate")),
    open(reader("*", "exact", () => false)),
  ];
  const secret = change("canonical", { topics: ["canonical", "alternate"], private: true });
  streams.deliver(ring.append({ versionstamp: stamp(1), bytes: 1, changes: [secret, change("open")] }));
  await settled();
  equal(may.data, ["canonical", "open"]);
  equal(mayNot.data, ["open"]);
});

Deno.test("streams: a topic and its alternates reach a reader of both once", async () => {
  await using kv = await memoryKv();
  const { streams, ring, open } = setUp(kv);
  const both = open({ ...reader("a"), matchers: [...reader("a").matchers, ...reader("b").matchers] });
  streams.deliver(ring.append({ versionstamp: stamp(1), bytes: 1, changes: [change("a", { topics: ["a", "b"] })] }));
  await settled();
  equal(both.data, ["a"]);
});

Deno.test("streams: readers of one audience share one encoded chunk", async () => {
  await using kv = await memoryKv();
  const { publish, streams } = setUp(kv);
  const chunks = new Set<Uint8Array>();
  for (let n = 0; n < 10; n++) {
    const sink = {
      ...memorySink(),
      write: (chunk: Uint8Array<ArrayBuffer>) => void (chunk.length > 60 && chunks.add(chunk)),
    };
    streams.admit(reader("*"), { lost: false, expiresAt: Infinity })(sink);
  }
  publish("a", "b", "c");
  await settled();
  equal(chunks.size, 1);
});

Deno.test("streams: what is published while a round is written joins the next one", async () => {
  await using kv = await memoryKv();
  const gate = Promise.withResolvers<void>();
  const { publish, open } = setUp(kv, { turnStreams: 64, turn: () => gate.promise });
  const sinks = Array.from({ length: 100 }, () => open(reader("*")));
  publish("1");
  for (const topic of ["2", "3", "4"]) publish(topic);
  gate.resolve();
  await settled();
  equal(sinks.map(({ data }) => data.join("")), sinks.map(() => "1234"));
  ok(sinks.every(({ chunks }) => chunks === 3), "one keep-alive and two rounds");
});

Deno.test("streams: who joins in the middle of a round sees no gap and no duplicate", async () => {
  await using kv = await memoryKv();
  const gates: (() => void)[] = [];
  const { publish, open, ring } = setUp(kv, {
    turnStreams: 64,
    turn: () => new Promise((resolve) => gates.push(resolve)),
  });
  const early = Array.from({ length: 100 }, () => open(reader("*")));
  publish("1");
  publish("2");
  const live = open(reader("*"));
  const resumed = open(reader("*"), { versionstamp: stamp(1), index: 0 });
  const whole = open(reader("*"), EARLIEST);
  publish("3");
  equal(ring.headSeq, 3);
  while (early.some(({ data }) => data.length < 3) || live.data.length < 1) (gates.shift()?.(), await settled());
  equal([live.data, resumed.data, whole.data], [["3"], ["2", "3"], ["1", "2", "3"]]);
  equal(early.map(({ data }) => data.join("")), early.map(() => "123"));
});

Deno.test("streams: every cursor resumes exactly behind itself, whatever the interleaving", async () => {
  await using kv = await memoryKv();
  const { publish, open } = setUp(kv);
  const expected: string[] = [];
  const sinks: { sink: ReturnType<typeof memorySink>; from: number }[] = [];
  for (let n = 1; n <= 30; n++) {
    sinks.push({ sink: open(reader("*"), { versionstamp: stamp(n - 1), index: 9 }), from: n - 1 });
    publish(`${n}`);
    expected.push(`${n}`);
    if (n % 3 === 0) await settled();
  }
  await settled();
  for (const { sink, from } of sinks) equal(sink.data, expected.slice(from));
});

Deno.test("streams: a reader that takes nothing leaves the rounds, and the others notice nothing", async () => {
  await using kv = await memoryKv();
  const { publish, open, clock } = setUp(kv);
  const [slow, quick] = [open(reader("*")), open(reader("*"))];
  slow.queued = LIMITS.queued + 1;
  publish("a");
  publish("b");
  await settled();
  equal([slow.data, quick.data, slow.destroyed], [[], ["a", "b"], false]);
  slow.queued = 0;
  (clock as ReturnType<typeof manualClock>).advance(20);
  await settled();
  publish("c");
  await settled();
  equal([slow.data, quick.data], [["a", "b", "c"], ["a", "b", "c"]]);
});

Deno.test("streams: a reader that takes nothing for thirty seconds is cut", async () => {
  await using kv = await memoryKv();
  const { publish, open, clock, metrics } = setUp(kv);
  const slow = open(reader("*"));
  slow.queued = LIMITS.queued + 1;
  publish("a");
  for (let waited = 0; waited <= PATIENCE; waited += 10) {
    await Promise.resolve();
    (clock as ReturnType<typeof manualClock>).advance(10);
    for (let turns = 0; turns < 5; turns++) await Promise.resolve();
  }
  await settled();
  equal([slow.destroyed, (await metrics.streamsOpen.get()).values[0]?.value], [true, 0]);
});

Deno.test("streams: a burst far larger than what may wait reaches a reader that reads, in order", async () => {
  await using kv = await memoryKv();
  const { streams, ring, open } = setUp(kv, { pause: () => (drainAll(), settled() as Promise<void>) });
  const sinks = [open(reader("*")), open(reader("*"))];
  const drainAll = () => sinks.forEach((sink) => sink.queued = 0);
  for (const sink of sinks) countQueued(sink);
  const large = Array.from({ length: 100 }, (_, n) => change("t", { data: `${n} ${"x".repeat(30_000)}` }));
  streams.deliver(ring.append({ versionstamp: stamp(1), bytes: 3_000_000, changes: large }));
  for (let turns = 0; turns < 1000 && sinks.some(({ data }) => data.length < 100); turns++) await settled();
  for (const sink of sinks) equal(sink.data.map((data) => parseInt(data)), Array.from({ length: 100 }, (_, n) => n));
});

/** Lets what is written wait until somebody sets it to nothing. */
function countQueued(sink: ReturnType<typeof memorySink>): void {
  const write = sink.write.bind(sink);
  sink.write = (chunk) => void (write(chunk), sink.queued += chunk.byteLength);
}

Deno.test("streams: who was away for more than may wait gets all of it at its own speed", async () => {
  await using kv = await memoryKv();
  const { streams, ring } = setUp(kv);
  const large = Array.from({ length: 100 }, (_, n) => change("t", { data: `${n} ${"x".repeat(30_000)}` }));
  streams.deliver(ring.append({ versionstamp: stamp(1), bytes: 3_000_000, changes: large }));
  const sink = memorySink();
  streams.admit(reader("*"), { from: EARLIEST, lost: false, expiresAt: Infinity })(sink);
  for (let turns = 0; sink.data.length < 100 && turns < 1000; turns++) await settled();
  equal(sink.data.map((data) => parseInt(data)), Array.from({ length: 100 }, (_, n) => n));
});

Deno.test("streams: a token that expires before its stream is opened ends it at the next tick", async () => {
  await using kv = await memoryKv();
  const { clock, streams } = setUp(kv);
  const manual = clock as ReturnType<typeof manualClock>;
  const sink = memorySink();
  const open = streams.admit(reader("*"), { lost: false, expiresAt: clock.now() + 1_000 });
  manual.advance(5_000);
  streams.tick();
  open(sink);
  manual.advance(1_000);
  streams.tick();
  equal(sink.ended, true);
});

Deno.test("streams: a round for others keeps no quiet stream from the head's id", async () => {
  await using kv = await memoryKv();
  const gate = Promise.withResolvers<void>();
  const { open, publish, streams } = setUp(kv, { turnStreams: 64, turn: () => gate.promise });
  const quiet = open(reader("nothing"));
  Array.from({ length: 100 }, () => open(reader("*")));
  publish("1");
  for (let second = 0; second < LIMITS.keepAlive; second++) streams.tick();
  ok(quiet.text.endsWith(`id: #epoch123.${stamp(1)}.0\n\n`), quiet.text);
  gate.resolve();
  await settled();
});

Deno.test("streams: a stream ends at its token's expiry, not a second later", async () => {
  await using kv = await memoryKv();
  const { clock, open, streams } = setUp(kv);
  const manual = clock as ReturnType<typeof manualClock>;
  const stream = open(reader("*"), undefined, clock.now() + 10_000);
  manual.advance(9_000);
  streams.tick();
  equal(stream.ended, false);
  manual.advance(1_000);
  streams.tick();
  equal(stream.ended, true);
  ok(/retry: \d+\n\n$/.test(stream.text), "it is told when to come back");
});

Deno.test("streams: a life is bounded in time and in chunks", async () => {
  await using kv = await memoryKv();
  const { clock, open, streams, publish } = setUp(kv, { limits: { ...LIMITS, chunks: 5 } });
  const [byTime, byChunks] = [open(reader("nothing")), open(reader("a"))];
  for (let n = 0; n < 6; n++) (publish("a"), await settled());
  equal([byChunks.ended, byChunks.data.length, byTime.ended], [true, 4, false]);
  (clock as ReturnType<typeof manualClock>).advance(LIMITS.life * 1.2 + 1_000);
  streams.tick();
  equal(byTime.ended, true);
});

Deno.test("streams: every stream is kept alive within fifteen seconds by the head's id", async () => {
  await using kv = await memoryKv();
  const { open, publish, streams } = setUp(kv);
  const quiet = open(reader("nothing"));
  publish("a");
  await settled();
  for (let second = 0; second < LIMITS.keepAlive; second++) streams.tick();
  equal(quiet.text, `id: #epoch123.${stamp(0)}.0\n\nid: #epoch123.${stamp(1)}.0\n\n`);
});

Deno.test("streams: while a round is written the keep-alive moves no id", async () => {
  await using kv = await memoryKv();
  const gate = Promise.withResolvers<void>();
  const { open, publish, streams } = setUp(kv, { turnStreams: 64, turn: () => gate.promise });
  const sinks = Array.from({ length: 100 }, () => open(reader("*")));
  publish("1");
  for (let second = 0; second < LIMITS.keepAlive; second++) streams.tick();
  ok(sinks.at(-1)!.text.endsWith(":\n\n"));
  gate.resolve();
  await settled();
  equal(sinks.at(-1)!.data, ["1"]);
});

Deno.test("streams: a lost reader is told so first", async () => {
  await using kv = await memoryKv();
  const { streams, publish } = setUp(kv);
  publish("a");
  const sink = memorySink();
  streams.admit(reader("*"), { from: EARLIEST, lost: true, expiresAt: Infinity })(sink);
  ok(sink.text.startsWith("event: lost\ndata: earliest\n\n"));
  equal(sink.data, ["earliest", "a"]);
});

Deno.test("streams: draining ends every stream with a jittered retry", async () => {
  await using kv = await memoryKv();
  const { open, streams, metrics } = setUp(kv);
  const sinks = Array.from({ length: 10 }, (_, n) => open(reader(`${n}`)));
  await streams.drain();
  equal(sinks.map(({ ended }) => ended), sinks.map(() => true));
  equal((await metrics.streamsOpen.get()).values[0]?.value, 0);
});

Deno.test("streams: a reader that has gone leaves nothing behind", async () => {
  await using kv = await memoryKv();
  const { open, publish, metrics } = setUp(kv);
  const stream = open(reader("a"));
  stream.gone();
  stream.gone();
  publish("a");
  await settled();
  equal([stream.data.length, (await metrics.streamsOpen.get()).values[0]?.value], [0, 0]);
});

Deno.test("streams: who finds the last seat taken when the socket is there is told to come back", async () => {
  await using kv = await memoryKv();
  const { streams, publish, metrics } = setUp(kv, { seats: seatsFor(1) });
  const [first, second] = [memorySink(), memorySink()];
  const admitted = [first, second].map(() => streams.admit(reader("a"), { lost: false, expiresAt: Infinity }));
  const [, leaveSecond] = [admitted[0]!(first), admitted[1]!(second)];
  publish("a");
  await settled();
  leaveSecond();
  equal([first.data, second.data, second.ended, /^retry: \d+\n\n$/.test(second.text)], [["a"], [], true, true]);
  equal((await metrics.streamsOpen.get()).values[0]?.value, 1);
});

const ENDS: Record<
  string,
  (kit: ReturnType<typeof setUp>, stream: ReturnType<ReturnType<typeof setUp>["open"]>) => void
> = {
  "its reader leaves": (_, stream) => stream.gone(),
  "its time has come": ({ clock, streams }) => {
    (clock as ReturnType<typeof manualClock>).advance(LIMITS.life * 1.2 + 1_000);
    streams.tick();
  },
  "it has had its chunks": ({ publish }) => void [1, 2, 3, 4].forEach(() => publish("a")),
};
for (const [why, end] of Object.entries(ENDS)) {
  Deno.test(`streams: a stream gives its seat back once, when ${why}`, async () => {
    await using kv = await memoryKv();
    const seats = seatsFor(2, 1);
    const kit = setUp(kv, { seats, limits: { ...LIMITS, chunks: 3 }, turnStreams: 1, turn: () => Promise.resolve() });
    const start = { lost: false, expiresAt: Infinity, owner: "alice" };
    const sink = memorySink();
    const gone = kit.streams.admit(reader("a"), start)(sink);
    throws(() => seats.checkOwner("alice"), CarillonError as never);
    end(kit, Object.assign(sink, { gone }));
    for (let turns = 0; turns < 10; turns++) await settled();
    gone();
    equal([seats.take("alice"), seats.take("alice"), seats.take("bob"), seats.take("carol")], [
      true,
      false,
      true,
      false,
    ]);
  });
}

Deno.test("streams: what comes right behind several events that took long to write is written with the next round", async () => {
  await using kv = await memoryKv();
  const during: { more?: () => void } = {};
  const slow = () => Promise.resolve(void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 40));
  const pause = () => Promise.resolve(during.more?.());
  const { publish, open } = setUp(kv, { turnStreams: 64, turn: slow, pause });
  const [first] = Array.from({ length: 64 }, () => open(reader("a")));
  publish("a");
  await settled();
  during.more = () => publish("a");
  publish("a");
  await settled();
  equal([first!.data.length, first!.chunks], [2, 3]);
  publish("a", "a");
  await settled();
  equal([first!.data.length, first!.chunks], [4, 4]);
  publish("a");
  await settled();
  equal([first!.data.length, first!.chunks], [6, 5]);
});

Deno.test("streams: who tracks one is told once that it is open, and once that it has ended, however it ends", async () => {
  await using kv = await memoryKv();
  const { streams, clock } = setUp(kv, { seats: seatsFor(3) });
  const told: string[] = [];
  const open = (name: string, expiresAt = Infinity) => {
    const tracked = { opened: () => void told.push(`${name} opened`), closed: () => void told.push(`${name} closed`) };
    const sink = memorySink();
    return Object.assign(sink, { gone: streams.admit(reader("a"), { lost: false, expiresAt, tracked })(sink) });
  };
  const left = open("left");
  open("expired", clock.now() + 1_000);
  open("drained");
  open("turned away");
  equal(told, ["left opened", "expired opened", "drained opened"]);
  left.gone();
  left.gone();
  clock.advance(2_000);
  streams.tick();
  await streams.drain();
  equal(told.slice(3), ["left closed", "expired closed", "drained closed"]);
});
