import fc from "fast-check";
import { parseEventId, printEventId } from "../../src/wire/event_id.ts";
import { equal, ok } from "../helpers/assert.ts";
import { units } from "../helpers/arbitraries.ts";

const epoch = fc.string({ unit: fc.constantFrom(..."azAZ09_-"), minLength: 8, maxLength: 8 });
const position = fc.record({
  versionstamp: fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 20, maxLength: 20 }),
  index: fc.nat(99_999),
}, { noNullPrototype: true });

Deno.test("event id: what is printed is read back", () => {
  fc.assert(fc.property(epoch, position, (epoch, position) => {
    equal(parseEventId(printEventId(epoch, position)), { epoch, position });
  }));
});

Deno.test("event id: it is a fragment, and is read as well as it was before it was one", () => {
  fc.assert(fc.property(epoch, position, (epoch, position) => {
    const id = printEventId(epoch, position);
    ok(id.startsWith("#"));
    equal(parseEventId(id.slice(1)), { epoch, position });
  }));
});

Deno.test("event id: any other text is no id of ours", () => {
  const id = printEventId("epoch123", { versionstamp: "0".repeat(18) + "a1", index: 3 });
  const others = [
    "",
    "earliest",
    id + "44444",
    id.slice(2),
    `#${id}`,
    id.toUpperCase(),
    `${id} `,
    `${id}\n`,
    id.replace(".3", ".-3"),
  ];
  for (const text of [...others, id.replace(".3", "."), id.replaceAll(".", ":")]) equal(parseEventId(text), undefined);
  fc.assert(fc.property(units, (text) => {
    const parsed = parseEventId(text);
    ok(parsed === undefined || Number(text.split(".")[2]) === parsed.position.index);
  }));
});
