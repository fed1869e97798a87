import { classOf, delayOf } from "../../src/model/delay.ts";
import { equal } from "../helpers/assert.ts";

Deno.test("delay: important changes never wait, ordinary ones a little, the others a minute", () => {
  equal([100, 75, 74, 50, 25, 24, 0].map(delayOf), [0, 0, 5, 5, 5, 60, 60]);
});

Deno.test("delay: a class never waits longer than its subscriber allows", () => {
  equal([0, 1, 4, 5, 59, 60, 86_400].map(classOf), [0, 0, 0, 5, 5, 60, 60]);
});
