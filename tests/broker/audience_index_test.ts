import fc from "fast-check";
import { createAudience } from "../../src/broker/audience.ts";
import { createIndex } from "../../src/broker/audience_index.ts";
import { compileMatcher, type MatcherText } from "../../src/model/matcher.ts";
import { equal, ok } from "../helpers/assert.ts";
import { change, HUB } from "../helpers/broker.ts";

const audience = (...matchers: MatcherText[]) =>
  createAudience({ matchers: matchers.map((each) => compileMatcher(each, HUB)), rights: "", mayRead: () => true });

const segment = fc.constantFrom("a", "b", "c.d", "%20", "é");
const path = fc.array(segment, { maxLength: 4 }).map((parts) => `/${parts.join("/")}`);
const origin = fc.constantFrom("https://dav.example", "http://dav.example:8080", "https://DAV.example:443", "");
const topic = fc.oneof(
  fc.tuple(origin, path, fc.constantFrom("", "/", "?q=1", "#h")).map((parts) => parts.join("")),
  fc.constantFrom("urn:a:b", "123abc", "mailto:a@b.example", "../a"),
);
const piece = fc.oneof(segment, fc.constantFrom("*", ":x", ":x?", ":x+", "{a}?", "(a|b)", "a*", "{/a}?"));
const pattern = fc.oneof(
  fc.tuple(
    fc.constantFrom("https://dav.example", "http{s}?://dav.example", "https://*.example", "https://dav.example:*", ""),
    fc.array(piece, { maxLength: 4 }).map((parts) => `/${parts.join("/")}`),
    fc.constantFrom("", "/", "?*", "/*"),
  ).map((parts) => parts.join("")),
  fc.constantFrom("urn:*", "mailto:*", "*", "/*", ":x"),
);

/** As an allowed matcher, or none. */
function matcherOf(match: string): MatcherText | undefined {
  try {
    compileMatcher({ match, type: "urlpattern" }, HUB);
    return { match, type: "urlpattern" };
  } catch {
    return undefined;
  }
}

Deno.test("audience index: finds whom asking each of them finds, for any patterns and topics", () => {
  const patterns = fc.array(pattern, { minLength: 1, maxLength: 8 }),
    topics = fc.array(topic, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(patterns, topics, (patterns, topics) => {
      const all = patterns.flatMap((match) => matcherOf(match) ?? []).map((matcher) => audience(matcher));
      const index = createIndex();
      all.forEach(index.add);
      const told = change(topics[0]!, { topics });
      const found = new Set(index.find(told));
      for (const each of all) equal(found.has(each), each.sees(told), `${each.key} ${topics.join(" ")}`);
      all.forEach(index.remove);
      equal(index.find(told).toArray(), []);
    }),
    { numRuns: 3_000 },
  );
});

Deno.test("audience index: one with several matchers is found once, by any of them, until it is removed", () => {
  const index = createIndex();
  const both = audience({ match: "a", type: "exact" }, { match: "https://dav.example/x/*", type: "urlpattern" });
  const all = audience({ match: "*", type: "exact" });
  index.add(both);
  index.add(all);
  const find = (...topics: string[]) => index.find(change(topics[0]!, { topics })).toArray();
  equal(find("a", "https://dav.example/x/y"), [all, both]);
  equal(find("https://dav.example/x/y"), [all, both]);
  equal(find("https://dav.example/y/"), [all]);
  index.remove(both);
  equal(find("a"), [all]);
});

Deno.test("audience index: of ten thousand patterns only the near ones are asked", () => {
  const index = createIndex();
  let asked = 0;
  for (let n = 0; n < 10_000; n++) {
    const each = audience({ match: `https://dav.example/user${n}/*`, type: "urlpattern" });
    index.add({ ...each, sees: (told) => (asked++, each.sees(told)) });
  }
  equal(index.find(change("https://dav.example/user77/work/")).toArray().length, 1);
  ok(asked <= 2, `${asked}`);
});
