import fc from "fast-check";
import { forgetOldest } from "../../src/model/forget_oldest.ts";
import { equal } from "../helpers/assert.ts";

Deno.test("forgetOldest: of whatever was put in one after the other the newest stay", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 })), fc.integer({ min: 1, max: 5 }), (names, most) => {
      const remembered = new Map<number, true>();
      for (const name of names) {
        remembered.delete(name);
        remembered.set(name, true);
        forgetOldest(remembered, most);
      }
      const newest = [...new Set(names.toReversed())].slice(0, most);
      equal([...remembered.keys()].toReversed(), newest);
    }),
  );
});
