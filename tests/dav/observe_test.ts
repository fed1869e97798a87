import type { IncomingMessage } from "node:http";
import type { Ask } from "../../src/dav/ask.ts";
import { createObserve } from "../../src/dav/observe.ts";
import type { Change } from "../../src/model/change.ts";
import { equal, ok } from "../helpers/assert.ts";

const ORIGIN = "https://dav.example";

/** What a request, as it was answered, is told as: the collections, and how deep below them it was. */
async function observed(method: string, url: string, { status = 201, destination, token = "t1", held = [] }: {
  status?: number;
  destination?: string;
  token?: string | Error;
  /** Collections that somebody is told of. */
  held?: string[];
} = {}) {
  const published: Change[] = [], asked: [string, unknown][] = [];
  const ask: Ask = (path, credentials) => {
    asked.push([path, credentials]);
    if (token instanceof Error) return Promise.reject(token);
    const node = { name: "{DAV:}sync-token", attributes: {}, text: token, children: [] };
    return Promise.resolve({ status: 207, challenges: [], properties: new Map([["{DAV:}sync-token", node]]) });
  };
  const observe = createObserve({
    ask,
    origin: ORIGIN,
    subscriptions: {
      get: () => Promise.reject(new Error("nobody registered")),
      hasAny: (topic) => Promise.resolve(held.includes(topic.slice(ORIGIN.length))),
    },
    publish: (changes) => Promise.resolve(void published.push(...changes)),
    now: () => 5,
  });
  const headers = { authorization: "Basic x", destination }, socket = { remoteAddress: "127.0.0.1" };
  await observe({ method, url, headers, rawHeaders: [], socket } as unknown as IncomingMessage, status);
  const told = published.map(({ topics, content, property }) => [
    topics[0]!.slice(ORIGIN.length),
    content ? content.depth : `property ${property!.depth}`,
    content?.syncToken,
  ]);
  return { told, asked, published };
}

const above = (...paths: string[]) => paths.map((path) => [path, "infinity", undefined]);

Deno.test("observe: what writes a member is told of its collection, with the token after it, and of those above", async () => {
  for (
    const [method, path] of [["PUT", "/alice/work/1.ics"], ["DELETE", "/alice/work/1.ics"], [
      "POST",
      "/alice/work/",
    ]] as const
  ) {
    const { told, asked, published } = await observed(method, path);
    equal(told, [["/alice/work/", "1", "t1"], ...above("/alice/", "/")], method);
    equal(asked, [["/alice/work/", { authorization: "Basic x", "x-forwarded-for": "127.0.0.1" }]]);
    equal(published.every(({ timestamp, private: isPrivate }) => timestamp === 5 && isPrivate), true);
  }
});

Deno.test("observe: making and deleting a collection changes the one above", async () => {
  for (const method of ["MKCALENDAR", "MKCOL"]) {
    equal((await observed(method, "/alice/work/")).told, [["/alice/", "1", "t1"], ...above("/")], method);
  }
  // Who shows it is told that it is gone.
  const ended = [["/alice/", "1", "t1"], ["/alice/work/", "0", undefined], ...above("/")], held = ["/alice/work/"];
  for (const path of ["/alice/work/", "/alice/work"]) {
    equal((await observed("DELETE", path, { held })).told, ended);
    equal((await observed("MOVE", path, { destination: "/alice/play/", held })).told, ended);
  }
});

Deno.test("observe: a collection that is written over as a whole is told as well", async () => {
  const held = ["/alice/work/"], told = [["/alice/", "1", "t1"], ["/alice/work/", "1", "t1"]];
  for (const path of ["/alice/work/", "/alice/work"]) {
    equal((await observed("PUT", path, { held })).told.slice(0, 2), told);
    equal((await observed("COPY", "/tmpl/", { destination: path, held })).told.slice(0, 2), told);
  }
});

Deno.test("observe: a Destination is looked at where servers do, and costs no more for being deep", async () => {
  const destination = "/bob/private/x", secret = ["/bob/private/"];
  equal((await observed("PUT", "/mallory/c/1.ics", { destination, held: secret })).told, [
    ["/mallory/c/", "1", "t1"],
    ...above("/mallory/", "/"),
  ]);
  const started = performance.now();
  for (const deep of ["/a".repeat(20_000), `/${"a".repeat(40_000)}`]) {
    await observed("MOVE", "/x", { destination: deep });
  }
  ok(performance.now() - started < 500);
});

Deno.test("observe: a MOVE changes where it was and where it is, a COPY where it is", async () => {
  const destination = `${ORIGIN}/bob/home/2.ics`;
  const moved = await observed("MOVE", "/alice/work/1.ics", { destination });
  equal(moved.told.filter(([, depth]) => depth === "1"), [["/alice/work/", "1", "t1"], ["/bob/home/", "1", "t1"]]);
  equal(moved.told.filter(([, depth]) => depth === "infinity"), above("/alice/", "/", "/bob/"));
  const copied = await observed("COPY", "/alice/work/1.ics", { destination: "/bob/home/2.ics" });
  equal(copied.told.filter(([, depth]) => depth === "1"), [["/bob/home/", "1", "t1"]]);
  equal((await observed("MOVE", "/a/1.ics", { destination: "/a/2.ics" })).told, [["/a/", "1", "t1"], ...above("/")]);
});

Deno.test("observe: properties and rights are told of the resource itself", async () => {
  for (const method of ["PROPPATCH", "ACL"]) {
    equal((await observed(method, "/alice/work/", { status: 207 })).told, [
      ["/alice/work/", "property 0", undefined],
      ["/alice/", "property 1", undefined],
      ["/", "property infinity", undefined],
    ]);
  }
});

Deno.test("observe: a token that cannot be read keeps nothing from being told", async () => {
  for (const token of [new Error("gone"), ""]) {
    equal((await observed("PUT", "/a/1.ics", { token })).told, [["/a/", "1", undefined], ...above("/")]);
  }
});

Deno.test("observe: what reads, and what was refused, changes nothing", async () => {
  for (const method of ["GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT", "LOCK", "UNLOCK"]) {
    equal((await observed(method, "/a/1.ics", { status: 200 })).told, [], method);
  }
  for (const status of [199, 301, 304, 400, 403, 412, 500]) {
    equal((await observed("PUT", "/a/1.ics", { status })).told, []);
  }
});
