import { count, fromNow } from "../../src/console/words.ts";
import { equal } from "../helpers/assert.ts";

Deno.test("words: numbers have a place behind the point while they are small", () => {
  equal([0, 0.25, 3, 9.96, 12.6, 12_345].map(count), ["0", "0.3", "3", "10", "13", "12,345"]);
});

Deno.test("words: a time is told by its largest unit, before and after now", () => {
  const seconds = [0, 1, -59, 60, -3599, 7200, -86_400, 200_000];
  const told = seconds.map((seconds) => fromNow(1000 * seconds, 0));
  equal(told, ["now", "in 1 s", "59 s ago", "in 1 min", "59 min ago", "in 2 h", "1 d ago", "in 2 d"]);
});
