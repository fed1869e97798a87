import fc from "fast-check";
import { CarillonError } from "../../src/errors.ts";
import { compileMatcher, matcherText, type MatchType, MAX_PATTERN_LENGTH } from "../../src/model/matcher.ts";
import { MAX_TOPIC_LENGTH } from "../../src/model/topic.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { units } from "../helpers/arbitraries.ts";
import { openMatcherCost } from "../helpers/matcher_cost.ts";

const HUB = "https://carillon.example/.well-known/mercure";
const DAV = "https://dav.example";

/** Milliseconds on one topic of full length: ten patterns of one request together stay under half a second. */
const ALLOWED = 50;

function matches(match: string, topic: string, type: MatchType = "urlpattern"): boolean {
  return compileMatcher({ match, type }, HUB).matches(topic);
}

Deno.test("matcher: an exact matcher matches its own text alone, whatever it looks like", () => {
  ok(matches(`${DAV}/*`, `${DAV}/*`, "exact"));
  ok(!matches(`${DAV}/*`, `${DAV}/a`, "exact"));
  ok(!matches("a", "A", "exact"));
});

Deno.test("matcher: the star matches every topic, as exact and as pattern", () => {
  for (const type of ["exact", "urlpattern"] as const) {
    for (const topic of ["a", "123", `${DAV}/x/`, "🔔"]) ok(matches("*", topic, type));
  }
});

Deno.test("matcher: patterns and topics resolve against the hub", () => {
  ok(matches("/calendars/:user/", "https://carillon.example/calendars/alice/"));
  ok(matches("https://carillon.example/calendars/*", "/calendars/alice/"));
  ok(!matches("/calendars/:user/", `${DAV}/calendars/alice/`));
});

Deno.test("matcher: patterns are case-sensitive", () => ok(!matches(`${DAV}/A/*`, `${DAV}/a/b`)));

Deno.test("matcher: the patterns that servers and listeners write compile", () => {
  const useful: [pattern: string, topic: string][] = [
    [`${DAV}/*`, `${DAV}/calendars/alice/work/`],
    [`${DAV}/calendars/:user/*`, `${DAV}/calendars/alice/work/`],
    [`${DAV}/:kind/:user/:collection/`, `${DAV}/calendars/alice/work/`],
    ["https://*.example/cal/*", `${DAV}/cal/a`],
    ["https://:host.example/cal/:user", `${DAV}/cal/a`],
    [`${DAV}/books/:id.json`, `${DAV}/books/7.json`],
    [`${DAV}/books/:id(\\d+)`, `${DAV}/books/7`],
    [`${DAV}/books/:id?`, `${DAV}/books`],
    [`${DAV}/:path+`, `${DAV}/a/b/c`],
    [`${DAV}/:path*`, `${DAV}/a/b/c`],
    ["/.well-known/subscriptions{/:type}?{/:match}?{/:subscriber}?", "/.well-known/subscriptions/a/b/c"],
  ];
  for (const [pattern, topic] of useful) ok(matches(pattern, topic), pattern);
});

Deno.test("matcher: what does not compile, is too long or holds hidden characters is bad_matcher", async () => {
  const bad = [
    "https://[",
    `${DAV}/(`,
    `${DAV}/(a`,
    `${DAV}/{a`,
    `${DAV}/:a/:a`,
    `${DAV}/(?<n>a)`,
    "\n",
    "a\u200b",
    "\ud800",
  ];
  for (const match of [...bad, `${DAV}/${"a".repeat(MAX_PATTERN_LENGTH)}`]) {
    await refuses("bad_matcher", () => compileMatcher({ match, type: "urlpattern" }, HUB));
  }
  for (const match of ["", "a\nb", "x".repeat(MAX_TOPIC_LENGTH + 1)]) {
    await refuses("bad_matcher", () => compileMatcher({ match, type: "exact" }, HUB));
  }
});

Deno.test("matcher: text of issuers is a pattern only with a star, a brace or a parenthesis", () => {
  const types = {
    "*": "exact",
    "abc": "exact",
    "https://a/b": "exact",
    "https://a/*": "urlpattern",
    "/{a}": "urlpattern",
  };
  for (const [match, type] of Object.entries(types)) equal(matcherText(match), { match, type: type as MatchType });
});

/** Each of them takes seconds to for ever on a topic of 1,024 characters. */
const CATASTROPHIC = [
  `${DAV}/(a+)+y`,
  `${DAV}/(a*)*y`,
  `${DAV}/((a+)+)y`,
  `${DAV}/(a|a)*y`,
  `${DAV}/{(a|a)}*y`,
  `${DAV}/{(a|a)}+y`,
  `${DAV}/{(\\w|a)}*y`,
  `${DAV}/*a*a*y`,
  `${DAV}/*/*/*/y`,
  `${DAV}/**y`,
  `${DAV}/a**y`,
  `${DAV}/a*+y`,
  `${DAV}/{a*}*y`,
  `${DAV}/{a:b}*y`,
  `${DAV}/{a:b}+y`,
  `${DAV}/{:b-}*y`,
  `${DAV}/:a+/:b+/:c+/:d+/y`,
  `${DAV}/:a*/:b*/:c*/y`,
  `${DAV}/*/:a+/*/y`,
  `${DAV}/:a:b:c:d:e`,
  `${DAV}/p?:a/:b/:c/:d/:e!`,
  `${DAV}/p#:a/:b/:c/:d/:e!`,
  `${DAV}/p?:a-:b-:c-:d`,
  `https://:a:b:c:d.example/`,
];

Deno.test("matcher: patterns that backtrack without end are bad_matcher", () => {
  const accepted = CATASTROPHIC.filter((match) => {
    try {
      return Boolean(compileMatcher({ match, type: "urlpattern" }, HUB));
    } catch (thrown) {
      return !(thrown instanceof CarillonError && thrown.code === "bad_matcher");
    }
  });
  equal(accepted, []);
});

const anyText = fc.oneof(fc.string(), units, fc.string({ unit: "grapheme" }));

/** Patterns as an attacker would put them together, each group with a name of its own. */
const name = fc.constantFrom(":", "/:", "{/:}", "/*");
const atom = fc.oneof(
  fc.constantFrom(
    "a",
    "/",
    ".",
    "-",
    "aa",
    "/a/",
    "*",
    "(a)",
    "(a|a)",
    "(a|aa)",
    "(a+)",
    "(a*)",
    "(.*)",
    "(\\w|a)",
    "(a?)",
  ),
  name,
  fc.tuple(
    fc.constantFrom("", "a", "/", "-"),
    fc.constantFrom(":", "*", "(a)", "(a+)", "a"),
    fc.constantFrom("", "a", "-"),
  )
    .map((parts) => `{${parts.join("")}}`),
);
const piece = fc.tuple(atom, fc.constantFrom("", "", "", "?", "*", "+")).map((parts) => parts.join(""));
const attack = fc.tuple(fc.constantFrom("/", "/p?", "/p#", "/a"), fc.array(piece, { minLength: 1, maxLength: 6 }))
  .map(([start, pieces]) => {
    let names = 0;
    return DAV + start + pieces.join("").replace(/:/g, () => `:n${names++}`) + "y";
  });
const adversarial = ["/", "/p?", "/p#", "/a"].flatMap((start) =>
  ["a", "/", "-", ".", "/a", "a-"].map((unit) =>
    (DAV + start + unit.repeat(MAX_TOPIC_LENGTH)).slice(0, MAX_TOPIC_LENGTH)
  )
);

Deno.test("matcher: any text is a matcher or bad_matcher, and agrees with URLPattern", () => {
  const texts = fc.oneof(anyText, attack);
  fc.assert(
    fc.property(texts, fc.webUrl(), anyText, (match, url, text) => {
      let matcher;
      try {
        matcher = compileMatcher({ match, type: "urlpattern" }, HUB);
      } catch (thrown) {
        return ok(thrown instanceof CarillonError && thrown.code === "bad_matcher");
      }
      if (match === "*") return;
      const pattern = nativePattern(match);
      for (const topic of [url, text, match]) equal(matcher.matches(topic), nativeTest(pattern, topic));
    }),
    { numRuns: 1_000 },
  );
});

/** Without the base where it stands by itself. */
function nativePattern(match: string): URLPattern {
  try {
    return new URLPattern(match);
  } catch {
    return new URLPattern(match, HUB);
  }
}

Deno.test("matcher: patterns of opaque URIs match them", () => {
  ok(matches("mailto:*", "mailto:alice@example.org"));
  ok(matches("urn\\:acme\\:*", "urn:acme:calendar") || matches("urn:acme\\:*", "urn:acme:calendar"));
  ok(!matches("mailto:*", "urn:acme:calendar"));
});

function nativeTest(pattern: URLPattern, topic: string): boolean {
  try {
    return pattern.test(topic, HUB);
  } catch {
    return false;
  }
}

Deno.test("matcher: a pattern that is accepted is quick on every topic that is made to hurt", async () => {
  using cost = openMatcherCost(HUB);
  const property = fc.asyncProperty(attack, async (pattern) => {
    const { refused, slowest = 0 } = await cost.measure(pattern, adversarial);
    ok(refused === undefined || refused === "bad_matcher", refused);
    ok(slowest < ALLOWED, `${pattern} took ${slowest} ms`);
  });
  // Shrinking would try one slow pattern after the other.
  await fc.assert(property, {
    numRuns: 300,
    endOnFailure: true,
    examples: [[`${DAV}/:n0{*}a:n1?y`], [`${DAV}/a/*?{/:n0}+/*y`]],
  });
});
