import fc from "fast-check";
import { CarillonError } from "../../src/errors.ts";
import { checkTopic, hasHiddenCharacters, MAX_TOPIC_LENGTH } from "../../src/model/topic.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { units } from "../helpers/arbitraries.ts";

const HUB = "https://carillon.example/.well-known/mercure";

Deno.test("topic: opaque tokens, URIs and text of every script are topics", () => {
  const topics = [
    "123",
    "O7M1nQ7cKkKTKsoS_j6Z3w",
    "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "käse",
    "日程",
    "🔔",
  ];
  for (const topic of [...topics, "https://dav.example/calendars/alice/work/", "a b", "x".repeat(MAX_TOPIC_LENGTH)]) {
    equal(checkTopic(topic, HUB), topic);
  }
});

Deno.test("topic: empty and overlong topics are bad_topic", async () => {
  await refuses("bad_topic", () => checkTopic("", HUB));
  await refuses("bad_topic", () => checkTopic("x".repeat(MAX_TOPIC_LENGTH + 1), HUB));
});

Deno.test("topic: control, format and lone surrogate characters are bad_topic wherever they stand", async () => {
  for (
    const hidden of ["\0", "\n", "\r", "\t", "\x1b", "\x7f", "\x85", "\u00ad", "\u200b", "\u202e", "\ufeff", "\ud800"]
  ) {
    for (const topic of [hidden, `a${hidden}`, `${hidden}a`, `a${hidden}b`]) {
      ok(hasHiddenCharacters(topic), JSON.stringify(topic));
      await refuses("bad_topic", () => checkTopic(topic, HUB));
    }
  }
});

Deno.test("topic: the star and whatever resolves into the hub's own path are bad_topic", async () => {
  const ours = [
    HUB,
    `${HUB}/subscriptions/exact/a/b`,
    "HTTPS://CARILLON.EXAMPLE/.well-known/mercure",
    "/.well-known/mercure",
    "//carillon.example/.well-known/mercure",
    "/.well-known/mercure?a",
    "/.well-known/mercure#a",
    "./mercure",
    "../.well-known/mercure/x",
  ];
  for (const topic of ["*", ...ours]) await refuses("bad_topic", () => checkTopic(topic, HUB));
});

// Mercure, "Publication": a topic resolves against the hub's URL as any relative reference does.
Deno.test("topic: no other spelling of the hub's own path, on whatever host, is a topic", async () => {
  const spelled = [
    "mercure",
    "mercure/subscriptions/exact/a/b",
    "?a",
    "#a",
    " ",
    "/.well-known\\mercure",
    "/.well-known/a/../mercure",
    "a/../mercure/subscriptions",
    "https:mercure",
    "/.well-known/%6Dercure",
    "/%2ewell%2Dknown/m%65rcure/subscriptions",
    "/.well-known/x/%2e%2E/%6d%65%72%63%75%72%65",
    "https://other.example/.well-known/mercure",
    "http://carillon.example:8080/.well-known/mercure/subscriptions/exact/a/b",
    "webcal://dav.example/.well-known/mercure",
    "urn:/.well-known/mercure",
  ];
  for (const topic of spelled) await refuses("bad_topic", () => checkTopic(topic, HUB));
});

Deno.test("topic: what is called mercure elsewhere is a topic like any other", () => {
  const others = [
    "https://mercure.example/well-known/mercure",
    "https://other.example/dav/.well-known/mercure",
    "/.well-known/%256Dercure",
    "/.well-known/mercure%2Fa",
    "https://[mercure",
    "/.well-known/mercury",
    "/mercure",
    "urn:mercure",
    "mercure2",
  ];
  for (const topic of others) equal(checkTopic(topic, HUB), topic);
});

Deno.test("topic: any text is either itself or bad_topic, and never ours or hidden", () => {
  const pieces = fc.constantFrom(
    "/",
    ".",
    "..",
    "\\",
    "mercure",
    ".well-known",
    "carillon.example",
    "https:",
    "?",
    "#",
    "a",
    "%2e",
    "%6Dercure",
    "other.example",
  );
  const text = fc.oneof(
    units,
    fc.string(),
    fc.array(pieces, { maxLength: 8 }).map((p) => p.join("")),
  );
  fc.assert(
    fc.property(text, (topic) => {
      try {
        equal(checkTopic(topic, HUB), topic);
      } catch (thrown) {
        return ok(thrown instanceof CarillonError && thrown.code === "bad_topic");
      }
      const path = URL.parse(topic, HUB)?.pathname.replaceAll(/%6d/gi, "m");
      ok(!hasHiddenCharacters(topic) && !`${path}/`.startsWith("/.well-known/mercure/"), `${topic} is ${path}`);
    }),
    { numRuns: 2_000 },
  );
});
