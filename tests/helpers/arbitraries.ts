/** What property tests draw from: text that breaks careless code, changes, and push messages. */
import fc from "fast-check";
import type { Change } from "../../src/model/change.ts";
import { hasHiddenCharacters } from "../../src/model/topic.ts";

const awkward = fc.constantFrom(
  "",
  "\r",
  "\n",
  "\r\n",
  "\0",
  "\ufeff",
  "\u2028",
  "\ud800",
  "\udfff",
  '"',
  "\\",
  ":",
  "id: 1",
  "🔔",
  "</script>",
);

/** Any sequence of UTF-16 units. (The unit "binary" of fast-check takes a second to make.) */
export const units = fc.array(fc.nat(0xffff), { maxLength: 20 }).map((codes) => String.fromCharCode(...codes));

/** Any text, lone surrogates and line ends among it. */
export const text = fc.oneof(
  fc.string({ unit: "grapheme" }),
  units,
  fc.array(fc.oneof(awkward, fc.string({ maxLength: 4 })), { maxLength: 12 }).map((parts) => parts.join("")),
);

/** Text without control, format or lone surrogate characters. */
export const visible = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }).filter((s) =>
  !hasHiddenCharacters(s)
);

const depth = fc.constantFrom("0" as const, "1" as const, "infinity" as const);
const except = fc.array(visible, { maxLength: 3 });
const instant = fc.integer({ min: 0, max: Date.UTC(9999, 0) });

/** Any change that a door could make. */
export const change: fc.Arbitrary<Change> = fc.record({
  topics: fc.array(visible, { minLength: 1, maxLength: 4 }),
  private: fc.boolean(),
  priority: fc.integer({ min: 0, max: 100 }),
  timestamp: instant,
  id: visible,
  type: visible,
  retry: fc.nat(999_999_999),
  data: text,
  content: fc.record({ depth, syncToken: visible, except }, {
    requiredKeys: ["depth", "except"],
    noNullPrototype: true,
  }),
  property: fc.record({ depth, props: fc.array(visible, { maxLength: 3 }), except }, { noNullPrototype: true }),
}, { requiredKeys: ["topics", "private", "priority", "timestamp"], noNullPrototype: true });

const kind = fc.constantFrom("content", "property");
const topic = fc.oneof(visible, fc.webUrl()).filter((t) => t !== "*" && t.length <= 1024 && isForeign(t));

function isForeign(topic: string): boolean {
  return !URL.parse(topic, "https://carillon.example/.well-known/mercure")?.pathname.startsWith("/.well-known/mercure");
}

/** Any push message of CC/CD 70025 with our additions that is valid. */
export const pushMessage = fc.record({
  topic,
  timestamp: instant.map((ms) => new Date(ms).toISOString()),
  priority: fc.integer({ min: 0, max: 100 }),
  "client-id": visible,
  "sync-token": visible,
  update: fc.oneof(kind, fc.uniqueArray(kind, { minLength: 1 })),
  depth: fc.constantFrom("0", "1", "infinity", 0, 1),
  properties: fc.array(fc.constantFrom("{DAV:}displayname", "{urn:x y:ä}größe", "{}a", "{http://a/b#}c"), {
    maxLength: 3,
  }),
  data: text,
  unknown: fc.jsonValue(),
}, { requiredKeys: ["topic", "timestamp"], noNullPrototype: true });
