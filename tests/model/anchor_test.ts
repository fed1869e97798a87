import { compileMatcher } from "../../src/model/matcher.ts";
import { equal } from "../helpers/assert.ts";

const HUB = "https://hub.example/.well-known/mercure";

Deno.test("anchor: of a pattern with several slashes in a row it is one of each topic's that matches", () => {
  const pairs = [
    ["https://h.example//:id?*", "https://h.example/a"],
    ["https://h.example/a//:id?*", "https://h.example/a/b"],
    ["https://h.example/a///*", "https://h.example/a///b"],
  ] as const;
  for (const [match, topic] of pairs) {
    const { matches, near } = compileMatcher({ match, type: "urlpattern" }, HUB);
    equal([match, matches(topic), near!.anchorsOf(topic).includes(near!.anchor)], [match, true, true]);
  }
});
