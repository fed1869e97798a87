import { createRing } from "../../src/broker/ring.ts";
import { EARLIEST, type Position } from "../../src/model/position.ts";
import { equal } from "../helpers/assert.ts";
import { change } from "../helpers/broker.ts";

const stamp = (n: number) => `${n}`.padStart(20, "0");
const batch = (n: number, ...topics: string[]) => ({
  versionstamp: stamp(n),
  bytes: 100,
  changes: topics.map((t) => change(t)),
});
const at = (n: number, index: number): Position => ({ versionstamp: stamp(n), index });

Deno.test("ring: a cursor gets what came after it, in order, from within a batch too", () => {
  const ring = createRing("epoch123");
  ring.append(batch(1, "a", "b"));
  ring.append(batch(2, "c"));
  const after = (position: Position) => ring.after(position).map(({ change }) => change.topics[0]);
  equal(after(EARLIEST), ["a", "b", "c"]);
  equal(after(at(1, 0)), ["b", "c"]);
  equal(after(at(1, 1)), ["c"]);
  equal(after(at(2, 0)), []);
});

Deno.test("ring: what falls out moves its beginning, and cursors before it are not covered", () => {
  const ring = createRing("epoch123", EARLIEST, { bytes: 1e6, events: 3 });
  for (let n = 1; n <= 5; n++) ring.append(batch(n, `t${n}`));
  equal([ring.covers(at(1, 0)), ring.covers(at(2, 0)), ring.covers(at(5, 0))], [false, true, true]);
  equal(ring.after(at(2, 0)).length, 3);
});

Deno.test("ring: bytes bound it as well as events", () => {
  const ring = createRing("epoch123", EARLIEST, { bytes: 250, events: 1e6 });
  for (let n = 1; n <= 5; n++) ring.append(batch(n, "a", "b"));
  equal(ring.covers(at(3, 1)), true);
  equal(ring.covers(at(2, 1)), false);
});

Deno.test("ring: thousands of events pass through without growing it", () => {
  const ring = createRing("epoch123", EARLIEST, { bytes: 1e6, events: 100 });
  for (let n = 1; n <= 10_000; n++) ring.append(batch(n, "a"));
  equal([ring.after(at(9_900, 0)).length, ring.headSeq], [100, 10_000]);
});

Deno.test("ring: an event has its publisher's id, or one that names its place", () => {
  const ring = createRing("epoch123");
  const [own, published] = ring.append({
    versionstamp: stamp(7),
    bytes: 9,
    changes: [change("a"), change("b", { id: "urn:b" })],
  });
  equal([own!.id, published!.id], [`#epoch123.${stamp(7)}.0`, "urn:b"]);
});
