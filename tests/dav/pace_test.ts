import { nextInterval, pauseAfter, restAfter } from "../../src/dav/pace.ts";
import { equal } from "../helpers/assert.ts";

const SECOND = 1_000, MINUTE = 60_000;

Deno.test("pace: a home is looked at less and less while nothing happens, and often again when something did", () => {
  const intervals: number[] = [];
  let interval = nextInterval(undefined, false, 10);
  for (let n = 0; n < 12; n++) intervals.push(interval = nextInterval(interval, false, 10));
  equal(intervals.slice(0, 3), [45 * SECOND, 67_500, 101_250]);
  equal(intervals.at(-1), 15 * MINUTE);
  equal(nextInterval(15 * MINUTE, true, 10), 30 * SECOND);
});

Deno.test("pace: a slow server gives a home one part in a hundred of its time, all of them one in five", () => {
  equal(nextInterval(undefined, true, 2 * SECOND), 200 * SECOND);
  equal(nextInterval(undefined, true, MINUTE), 15 * MINUTE);
  equal(restAfter(2 * SECOND), 8 * SECOND);
});

Deno.test("pace: a server that hurts is left alone for longer each time, and as long as it asks for", () => {
  equal([1, 2, 3, 20].map((failures) => pauseAfter(failures)), [30 * SECOND, MINUTE, 2 * MINUTE, 60 * MINUTE]);
  equal(pauseAfter(1, 5 * MINUTE), 5 * MINUTE);
  equal(pauseAfter(1, 100 * MINUTE), 60 * MINUTE);
});
