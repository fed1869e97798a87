import fc from "fast-check";
import { capacityOf } from "../../../scripts/simulate/assumptions.ts";
import { waitsOf } from "../../../scripts/simulate/queue.ts";
import { equal, ok } from "../../helpers/assert.ts";

Deno.test("simulate: what a server can answer never waits", () => {
  fc.assert(fc.property(fc.array(fc.nat(7), { maxLength: 50 }), (requests) => {
    equal(waitsOf(Uint32Array.from(requests), 7), new Uint32Array(requests.length));
  }));
});

Deno.test("simulate: twice as much as it can answer waits a second longer each second, and shrinks as fast", () => {
  const waits = waitsOf(Uint32Array.of(20, 20, 20, 0, 0, 0, 0), 10);
  equal([...waits], [1000, 2000, 3000, 2000, 1000, 0, 0]);
});

Deno.test("simulate: more requests never wait less", () => {
  fc.assert(fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 50 }), fc.nat(), (requests, place) => {
    const more = Uint32Array.from(requests);
    more[place % more.length]! += 5;
    const before = waitsOf(Uint32Array.from(requests), 10), after = waitsOf(more, 10);
    ok(after.every((wait, second) => wait >= before[second]!));
  }));
});

Deno.test("simulate: a server of few devices does not wait for its own request", () => {
  for (const devices of [1, 2, 100]) equal([...waitsOf(Uint32Array.of(1, 1), capacityOf(devices))], [0, 0]);
  equal(capacityOf(2_500), 7.5);
});
