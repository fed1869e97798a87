import fc from "fast-check";
import { type Action, type Bearer, hasGrant, isGranted, payloadOf, rightsOf } from "../../src/model/grant.ts";
import { compileMatcher, matcherText } from "../../src/model/matcher.ts";
import { equal, ok } from "../helpers/assert.ts";

const HUB = "https://carillon.example/.well-known/mercure";

const matcher = (text: string) => compileMatcher(matcherText(text), HUB);

function bearer(grants: [Action[], string[]][], issuerTopics = ["*"]): Bearer {
  return {
    iss: "tester",
    expiresAt: Infinity,
    grants: grants.map(([actions, topics]) => ({ actions, topics: topics.map(matcher) })),
    issuerTopics: issuerTopics.map(matcher),
  };
}

Deno.test("grant: an action is granted on the topics of its own entry alone", () => {
  const both = bearer([[["publish"], ["a"]], [["subscribe"], ["b"]]]);
  ok(isGranted(both, "publish", "a") && isGranted(both, "subscribe", "b"));
  ok(!isGranted(both, "publish", "b") && !isGranted(both, "subscribe", "a"));
});

Deno.test("grant: a pattern grants what it matches", () => {
  const dav = bearer([[["publish", "subscribe"], ["https://dav.example/calendars/:user/*"]]]);
  ok(isGranted(dav, "subscribe", "https://dav.example/calendars/alice/work/"));
  ok(!isGranted(dav, "subscribe", "https://dav.example/addressbooks/alice/work/"));
});

Deno.test("grant: nobody hands on more than their issuer has", () => {
  const wide = bearer([[["publish"], ["*"]]], ["https://dav.example/*"]);
  ok(isGranted(wide, "publish", "https://dav.example/a"));
  ok(!isGranted(wide, "publish", "https://other.example/a"));
});

Deno.test("grant: without an entry nothing is granted", () => {
  const nobody = bearer([]);
  ok(!isGranted(nobody, "publish", "a") && !hasGrant(nobody, "publish") && !hasGrant(nobody, "subscribe"));
});

Deno.test("grant: a bearer has a grant for exactly the actions of its entries", () => {
  const publisher = bearer([[["publish"], ["a"]]]);
  ok(hasGrant(publisher, "publish") && !hasGrant(publisher, "subscribe"));
});

Deno.test("grant: granted means that an entry and the issuer both cover the topic", () => {
  const topics = fc.subarray(["a", "b", "c", "*"], { minLength: 1 });
  const actions = fc.subarray<Action>(["publish", "subscribe"], { minLength: 1 });
  const entries = fc.array(fc.tuple(actions, topics), { maxLength: 4 });
  fc.assert(fc.property(entries, topics, fc.constantFrom("a", "b", "d"), (grants, issuer, topic) => {
    const covers = (list: string[]) => list.includes("*") || list.includes(topic);
    const expected = covers(issuer) && grants.some(([may, list]) => may.includes("publish") && covers(list));
    equal(isGranted(bearer(grants, issuer), "publish", topic), expected);
  }));
});

/** The bearer of grants to subscribe, each with its payload, if any; what holds a slash is a pattern. */
function paid(...grants: [topic: string, payload?: number][]): Bearer {
  return {
    ...bearer([]),
    grants: grants.map(([match, n]) => ({
      actions: ["subscribe"],
      topics: [compileMatcher({ match, type: match.includes("/") ? "urlpattern" : "exact" }, HUB)],
      ...(n !== undefined && { payload: { n } }),
    })),
  };
}

Deno.test("grant: the payload of a subscription is that of the first grant to subscribe which matches its matcher", () => {
  const tester = paid(["a", 1], ["https://example.com/bar/:id", 2], ["https://example.com/*", 3], ["*", 4]);
  const payload = (match: string, type: "exact" | "urlpattern" = "exact") => payloadOf(tester, { match, type });
  equal([payload("a"), payload("https://example.com/bar/7")], [{ n: 1 }, { n: 2 }]);
  equal(payload("https://example.com/bar/:id", "urlpattern"), { n: 2 });
  equal([payload("https://example.com/:x/y", "urlpattern"), payload("*"), payload("b")], [{ n: 3 }, { n: 4 }, {
    n: 4,
  }]);
});

Deno.test("grant: a pattern matches its own text, also where that is no topic that it matches", () => {
  for (const pattern of ["https://example.com/books/{:id}?", "/cal/:user/:path+", "https://*.example/(\\d+)"]) {
    equal(payloadOf(paid([pattern, 1]), { match: pattern, type: "urlpattern" }), { n: 1 });
  }
});

Deno.test("grant: the first that matches masks the others, also without a payload; and one to publish is none", () => {
  const a = { match: "a", type: "exact" as const };
  equal(payloadOf(paid(["*"], ["a", 1]), a), undefined);
  const publisher = bearer([[["publish"], ["a"]]]);
  publisher.grants[0]!.payload = { n: 1 };
  equal([payloadOf(publisher, a), payloadOf(paid(["b", 1]), a)], [undefined, undefined]);
});

Deno.test("grant: payloads are no rights: those who differ in them alone share every chunk", () => {
  equal(rightsOf(paid(["a", 1])), rightsOf(paid(["a", 2])));
  ok(rightsOf(paid(["a"])) !== rightsOf(paid(["b"])));
});
