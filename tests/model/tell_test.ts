import fc from "fast-check";
import { type Merged, toMerged } from "../../src/model/merge.ts";
import { tell } from "../../src/model/tell.ts";
import { change as anyChange } from "../helpers/arbitraries.ts";
import { equal, ok } from "../helpers/assert.ts";

const everything = { owner: "somebody", triggers: {}, minPriority: 0 };
const merged: Merged = {
  priority: 50,
  timestamp: 1,
  content: { depths: ["1", "infinity"], except: ["alice"], timestamp: 1, syncToken: "s" },
  property: { depths: ["0"], except: ["bob"], timestamp: 1, props: ["{DAV:}displayname"] },
};

const parts = (told: Merged | undefined) => [told?.content?.depths, told?.property?.props];

Deno.test("tell: who names no trigger is told everything", () => {
  equal(parts(tell(everything, merged)), [["1", "infinity"], ["{DAV:}displayname"]]);
});

Deno.test("tell: who names one is told no other", () => {
  equal(parts(tell({ ...everything, triggers: { content: { depth: "infinity" } } }, merged)), [
    ["1", "infinity"],
    undefined,
  ]);
  const property = { property: { depth: "1" as const, props: [] } };
  equal(parts(tell({ ...everything, triggers: property }, merged)), [undefined, ["{DAV:}displayname"]]);
});

Deno.test("tell: what lies deeper than was asked for is left out", () => {
  equal(parts(tell({ ...everything, triggers: { content: { depth: "1" } } }, merged)), [["1"], undefined]);
  equal(tell({ ...everything, triggers: { content: { depth: "0" } } }, merged), undefined);
});

Deno.test("tell: properties that were not asked for are no reason to ring, unknown ones are", () => {
  const asking = (props: string[]) => ({ ...everything, triggers: { property: { depth: "0" as const, props } } });
  equal(tell(asking(["{DAV:}other"]), merged), undefined);
  ok(tell(asking(["{DAV:}displayname", "{DAV:}other"]), merged));
  ok(tell(asking(["{DAV:}other"]), { ...merged, property: { ...merged.property!, props: [] } }));
});

Deno.test("tell: who caused a part is not told of it, and of the rest is", () => {
  equal(parts(tell({ ...everything, clientId: "alice" }, merged)), [undefined, ["{DAV:}displayname"]]);
  equal(parts(tell({ ...everything, clientId: "bob" }, merged)), [["1", "infinity"], undefined]);
  // All that is one owner's.
  equal(parts(tell({ ...everything, owner: "alice" }, merged)), [undefined, ["{DAV:}displayname"]]);
});

Deno.test("tell: what is less important than was asked for is not told", () => {
  ok(tell({ ...everything, minPriority: 50 }, merged));
  equal(tell({ ...everything, minPriority: 51 }, merged), undefined);
});

Deno.test("tell: nobody hears whose changes they were, nor changes the message for others", () => {
  fc.assert(fc.property(anyChange, (change) => {
    const whole = toMerged(change);
    const before = structuredClone(whole);
    const told = tell(everything, whole);
    equal([told?.content?.except ?? [], told?.property?.except ?? []], [[], []]);
    equal(whole, before);
  }));
});
