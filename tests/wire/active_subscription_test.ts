import fc from "fast-check";
import type { ActiveSubscription } from "../../src/model/active_subscription.ts";
import {
  newSubscriber,
  parseSubscriptionPath,
  subscriptionDocument,
  subscriptionPath,
  SUBSCRIPTIONS_PATH,
} from "../../src/wire/active_subscription.ts";
import { text, units } from "../helpers/arbitraries.ts";
import { equal, ok } from "../helpers/assert.ts";

const match = text.map((each) => each.toWellFormed()).filter((each) => each !== "");
const type = fc.constantFrom("exact" as const, "urlpattern" as const);

// The examples of the draft.
const DRAFT: ActiveSubscription = {
  type: "urlpattern",
  match: "https://example.com/:selector",
  subscriber: "urn:uuid:bb3de268-05b0-4c65-b44e-8f9acefc29d6",
  payload: { foo: "bar" },
};

Deno.test("active subscription: the draft's own example is printed as it stands there", () => {
  const id =
    "/.well-known/mercure/subscriptions/urlpattern/https%3A%2F%2Fexample.com%2F%3Aselector/urn%3Auuid%3Abb3de268-05b0-4c65-b44e-8f9acefc29d6";
  equal(subscriptionPath(DRAFT), id);
  equal(subscriptionDocument(DRAFT, true), {
    id,
    type: "subscription",
    match_type: "urlpattern",
    match: DRAFT.match,
    subscriber: DRAFT.subscriber,
    active: true,
    payload: { foo: "bar" },
  });
});

// RFC 6570 3.2.2.
Deno.test("active subscription: all but the unreserved is escaped, once", () => {
  const path = subscriptionPath({ ...DRAFT, match: "a%2F*!'()~-_.ä" });
  equal(path.split("/")[5], "a%252F%2A%21%27%28%29~-_.%C3%A4");
});

Deno.test("active subscription: what is printed is read back, as it is and as a URL", () => {
  fc.assert(fc.property(match, type, (match, type) => {
    const subscription = { match, type, subscriber: newSubscriber() }, path = subscriptionPath(subscription);
    // Those two are no segments of a URL: they stand in the collection alone.
    if (match !== "." && match !== "..") equal(new URL(path, "https://carillon.example").pathname, path);
    equal(parseSubscriptionPath(path), { matcher: { type, match }, subscriber: subscription.subscriber });
    equal(parseSubscriptionPath(path.split("/").slice(0, -1).join("/")), { matcher: { type, match } });
  }));
});

Deno.test("active subscription: a path that another client escapes in its own way asks for the same", () => {
  equal(parseSubscriptionPath(`${SUBSCRIPTIONS_PATH}/exact/*`), { matcher: { type: "exact", match: "*" } });
  equal(parseSubscriptionPath(`${SUBSCRIPTIONS_PATH}/exact/a%3ab`), { matcher: { type: "exact", match: "a:b" } });
});

Deno.test("active subscription: any other path asks for nothing", () => {
  const rest = fc.array(fc.oneof(units, fc.constantFrom("exact", "", "%", "%FF", "a")), { maxLength: 5 });
  equal(parseSubscriptionPath(SUBSCRIPTIONS_PATH), {});
  fc.assert(fc.property(rest, (segments) => {
    const asked = parseSubscriptionPath([SUBSCRIPTIONS_PATH, ...segments].join("/"));
    if (!asked?.matcher) return;
    ok(asked.matcher.match !== "" && ["exact", "urlpattern"].includes(asked.matcher.type));
    ok(asked.subscriber === undefined);
  }));
});
