import fc from "fast-check";
import { merge, type Merged, toMerged } from "../../src/model/merge.ts";
import type { Change } from "../../src/model/change.ts";
import { change as anyChange } from "../helpers/arbitraries.ts";
import { equal, ok } from "../helpers/assert.ts";

const base: Change = { topics: ["t"], private: true, priority: 50, timestamp: 1_000 };
const content = (syncToken: string | undefined, except: string[] = [], depth: "0" | "1" | "infinity" = "1") => ({
  content: { depth, syncToken, except },
});
const property = (props: string[], except: string[] = []) => ({ property: { depth: "0" as const, props, except } });

const mergeAll = (...changes: Partial<Change>[]): Merged =>
  changes.map((change) => toMerged({ ...base, ...change })).reduce(merge);

Deno.test("merge: the newest by timestamp wins, whatever the order of arrival", () => {
  const [older, newer] = [{ timestamp: 1, data: "old", ...content("old") }, {
    timestamp: 2,
    data: "new",
    ...content("new"),
  }];
  for (const merged of [mergeAll(older, newer), mergeAll(newer, older)]) {
    equal([merged.timestamp, merged.data, merged.content?.syncToken], [2, "new", "new"]);
  }
});

Deno.test("merge: between equal timestamps the later arrival wins", () => {
  equal(mergeAll(content("first"), content("second")).content?.syncToken, "second");
});

Deno.test("merge: a newest change without a sync-token leaves none: an older one would be a lie", () => {
  equal(
    mergeAll({ timestamp: 1, ...content("old") }, { timestamp: 2, ...content(undefined) }).content?.syncToken,
    undefined,
  );
});

Deno.test("merge: each trigger has its own newest", () => {
  const merged = mergeAll(
    { timestamp: 1, ...content("1") },
    { timestamp: 9, ...property(["{DAV:}a"]) },
    { timestamp: 3, ...content("3") },
    { timestamp: 2, ...content("2") },
  );
  equal([merged.timestamp, merged.content?.syncToken, merged.property?.props], [9, "3", ["{DAV:}a"]]);
});

Deno.test("merge: the highest priority, and the union of triggers, depths and properties", () => {
  const merged = mergeAll(
    { priority: 10, ...content("1", [], "0") },
    { priority: 90, ...property(["{DAV:}b", "{DAV:}a"]) },
    { priority: 50, ...property(["{DAV:}a", "{DAV:}c"]), ...content("2", [], "infinity") },
  );
  equal(merged.priority, 90);
  equal(merged.content?.depths, ["0", "infinity"]);
  equal(merged.property?.props, ["{DAV:}a", "{DAV:}b", "{DAV:}c"]);
});

Deno.test("merge: who must not be told is intersected for each trigger", () => {
  const merged = mergeAll(
    { ...content("1", ["a", "b"]), ...property([], ["a"]) },
    content("2", ["b", "c"]),
  );
  equal([merged.content?.except, merged.property?.except], [["b"], ["a"]]);
});

Deno.test("merge: properties that are not known, or too many, may be any", () => {
  equal(mergeAll(property([]), property(["{DAV:}a"])).property?.props, []);
  const many = (from: number) => Array.from({ length: 60 }, (_, n) => `{DAV:}${from + n}`);
  equal(mergeAll(property(many(0)), property(many(60))).property?.props, []);
  equal(toMerged({ ...base, ...property(["{DAV:}" + "x".repeat(2_000)]) }).property?.props, []);
});

Deno.test("merge: an update without a trigger counts as one of content", () => {
  equal(toMerged({ ...base, data: "x" }).content, { depths: ["0"], except: [], timestamp: 1_000 });
});

Deno.test("merge: data that no message could carry is not kept", () => {
  equal(toMerged({ ...base, data: "x".repeat(3_994) }).data, undefined);
});

Deno.test("merge: merging again what was merged changes nothing, and grouping does not matter", () => {
  const distinct = fc.uniqueArray(anyChange, { selector: ({ timestamp }) => timestamp, minLength: 3, maxLength: 3 });
  fc.assert(fc.property(distinct, (changes) => {
    const [a, b, c] = changes.map(toMerged) as [Merged, Merged, Merged];
    const whole = merge(merge(a, b), c);
    equal(merge(a, merge(b, c)), whole);
    for (const part of [a, b, c, merge(a, b), merge(b, c)]) equal(normal(merge(whole, part)), normal(whole));
    equal(normal(merge(merge(c, a), b)), normal(whole));
  }));
});

/** Names are a set. */
function normal(merged: Merged): Merged {
  const sorted = structuredClone(merged);
  sorted.content?.except.sort();
  sorted.property?.except.sort();
  sorted.property?.props.sort();
  return sorted;
}

Deno.test("merge: whoever must not be told of any change is told of none, everybody else of what they missed", () => {
  fc.assert(fc.property(fc.array(anyChange, { minLength: 1, maxLength: 5 }), (changes) => {
    const merged = changes.map(toMerged).reduce(merge);
    const contents = changes.map(toMerged).flatMap(({ content }) => content ? [content] : []);
    ok(Boolean(merged.content) === contents.length > 0);
    for (const name of contents.flatMap(({ except }) => except)) {
      equal(merged.content!.except.includes(name), contents.every(({ except }) => except.includes(name)));
    }
  }));
});
