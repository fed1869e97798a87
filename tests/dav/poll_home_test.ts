import { compare } from "../../src/dav/poll_home.ts";
import type { Member } from "../../src/dav/members.ts";
import { equal } from "../helpers/assert.ts";

const ORIGIN = "https://dav.example";
const calendar = (name: string, token: string): Member => ({ path: `/alice/${name}/`, token, state: token });

/** What is told after two looks; `written` are tokens that a client of ours wrote. */
function told(before: Member[] | undefined, members: Member[], written: Record<string, string> = {}) {
  const how = {
    origin: ORIGIN,
    timestamp: 5,
    except: [],
    lastToken: (topic: string) => written[topic.slice(ORIGIN.length)],
  };
  const first = before && compare({ path: "/alice/", until: 0, states: {} }, before, how).states;
  const { changes, gone, states } = compare(
    { path: "/alice/", until: 0, ...(first && { states: first }) },
    members,
    how,
  );
  const read = changes.map((
    { topics, content },
  ) => [topics[0]!.slice(ORIGIN.length), content!.depth, content!.syncToken]);
  return { told: read, gone, states };
}

const above = (...paths: string[]) => paths.map((path) => [path, "infinity", undefined]);

Deno.test("poll home: the first look tells of nothing, and neither does one that finds nothing else", () => {
  equal(told(undefined, [calendar("work", "1")]).told, []);
  equal(told([calendar("work", "1")], [calendar("work", "1")]).told, []);
});

Deno.test("poll home: a collection whose token moved is told with it, and so are those above", () => {
  equal(told([calendar("work", "1"), calendar("home", "1")], [calendar("work", "2"), calendar("home", "1")]).told, [
    ["/alice/work/", "1", "2"],
    ...above("/alice/", "/"),
  ]);
});

Deno.test("poll home: what a client of ours wrote is told already", () => {
  const before = [calendar("work", "1")];
  equal(told(before, [calendar("work", "2")], { "/alice/work/": "2" }).told, []);
  equal(told(before, [calendar("work", "3")], { "/alice/work/": "2" }).told.length, 3);
});

Deno.test("poll home: a server without sync-tokens is compared by its ctags", () => {
  const by = (state: string): Member => ({ path: "/alice/work/", state });
  equal(told([by("1")], [by("1")]).told, []);
  equal(told([by("1")], [by("2")]).told, [["/alice/work/", "1", undefined], ...above("/alice/", "/")]);
});

Deno.test("poll home: new collections and ended ones change the home; who showed an ended one is told once, then it is gone", () => {
  equal(told([calendar("work", "1")], [calendar("work", "1"), calendar("new", "1")]).told, [
    ["/alice/", "1", undefined],
    ...above("/"),
  ]);
  const ended = told([calendar("work", "1"), calendar("old", "1")], [calendar("work", "1")]);
  equal([ended.told, ended.gone], [[["/alice/", "1", undefined], ["/alice/old/", "0", undefined], ...above("/")], []]);
  const how = { origin: ORIGIN, timestamp: 5, except: [], lastToken: () => undefined };
  const again = compare({ path: "/alice/", until: 0, states: ended.states }, [calendar("work", "1")], how);
  equal([again.changes, again.gone, Object.keys(again.states)], [[], ["/alice/old/"], ["/alice/work/"]]);
  const back = compare({ path: "/alice/", until: 0, states: ended.states }, [
    calendar("work", "1"),
    calendar("old", "1"),
  ], how);
  equal([back.changes[0]!.topics, back.gone], [[`${ORIGIN}/alice/old/`], []]);
});
