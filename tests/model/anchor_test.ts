import { compileMatcher } from "../../src/model/matcher.ts";
import { equal } from "../helpers/assert.ts";

const HUB = "https://hub.example/.well-known/mercure";

Deno.test("anchor: of a pattern with several slashes in a row, or a group that takes its slash with it, it is one of each topic's that matches", () => {
  const pairs = [
    ["https://h.example//:id?*", "https://h.example/a"],
    ["https://h.example/a//:id?*", "https://h.example/a/b"],
    ["https://h.example/a///*", "https://h.example/a///b"],
    ["https://h.example/a/b/:id?*", "https://h.example/a/bc"],
    ["https://h.example/b/(/.*)?:id?/", "https://h.example/bc/"],
    ["https://h.example/b/:id?/:x?*", "https://h.example/bc"],
    ["https://h.example/b/:id?c", "https://h.example/bc"],
  ] as const;
  for (const [match, topic] of pairs) {
    const { matches, near } = compileMatcher({ match, type: "urlpattern" }, HUB);
    equal([match, matches(topic), near!.anchorsOf(topic).includes(near!.anchor)], [match, true, true]);
  }
});

Deno.test("anchor: of what people write it is the folder before the first group", () => {
  const folders = ["https://h.example/a/b/*", "https://h.example/a/b/:id?", "https://h.example/a/b/:id/c"];
  for (const match of folders) {
    equal(compileMatcher({ match, type: "urlpattern" }, HUB).near!.anchor, "https://h.example:/a/b", match);
  }
});
