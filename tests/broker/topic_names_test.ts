import fc from "fast-check";
import { createTopicNames } from "../../src/broker/topic_names.ts";
import { equal, ok } from "../helpers/assert.ts";

const names = createTopicNames("a hash key");

Deno.test("topic names: they are the same for the same database, owner and topic, and differ else", () => {
  for (const name of ["hash", "seal"] as const) {
    equal(createTopicNames("a hash key")[name]("alice", "/work/"), names[name]("alice", "/work/"));
    const all = [names[name]("alice", "/work/"), names[name]("bob", "/work/"), names[name]("alice", "/home/")];
    equal(new Set([...all, createTopicNames("other")[name]("alice", "/work/")]).size, 4);
  }
});

Deno.test("topic names: a sealed one opens to what it was made of, and tells nothing else", () => {
  fc.assert(fc.property(fc.string(), fc.string({ unit: "grapheme" }), (owner, topic) => {
    const name = names.seal(owner, topic.toWellFormed());
    equal(names.open(name), { owner, topic: topic.toWellFormed() });
    ok(/^[\w-]+$/.test(name));
  }));
  const name = names.seal("https://dav.example/alice/", "https://dav.example/alice/work/");
  for (const told of [name, atob(name.replaceAll("-", "+").replaceAll("_", "/"))]) {
    ok(!/dav|alice|work/.test(told), told);
  }
});

Deno.test("topic names: what was never given opens nothing", () => {
  const name = names.seal("alice", "/work/");
  equal(createTopicNames("other").open(name), undefined);
  for (let at = 0; at < name.length - 1; at++) {
    const other = name[at] === "A" ? "B" : "A";
    equal(names.open(name.slice(0, at) + other + name.slice(at + 1)), undefined, `${at}`);
  }
  fc.assert(fc.property(fc.string(), (text) => names.open(text) === undefined));
});
