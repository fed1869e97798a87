import fc from "fast-check";
import { type Action, type Bearer, hasGrant, isGranted } from "../../src/model/grant.ts";
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
