/** Active subscriptions over HTTP: the updates, the three resources, and who may read them. */
import fc from "fast-check";
import { serveDeno } from "../../src/serve/deno_serve.ts";
import { serveNode } from "../../src/serve/node_http.ts";
import { equal, ok } from "../helpers/assert.ts";
import { text } from "../helpers/arbitraries.ts";
import { COOKIE } from "../helpers/bad_input.ts";
import { fastClock } from "../helpers/clock.ts";
import { openStream, type Reading } from "../helpers/event_source.ts";
import { queryStream } from "../helpers/query_stream.ts";
import { readRefusal } from "../helpers/refusal.ts";
import { testStores } from "../helpers/stores.ts";
import { watchKv } from "../helpers/watched_kv.ts";
import { accessToken, publish, type TestWorker, testWorker } from "../helpers/worker.ts";

const SERVERS = { "node:http": serveNode, "Deno.serve": serveDeno };
const ON = { CARILLON_ACTIVE_SUBSCRIPTIONS: "true" };
const PATH = "/.well-known/mercure/subscriptions";
const ALL = { match: `${PATH}/*`, match_type: "urlpattern" as const };

type Document = { id: string; match: string; subscriber: string; active: boolean; payload?: unknown };

const documents = ({ events }: Reading): Document[] => events.map(({ data }) => JSON.parse(data));

/** Somebody who is told of all subscriptions, but for its own. */
async function openObserver(worker: TestWorker) {
  const token = await accessToken(worker, { subscribe: [ALL] });
  const stream = await openStream(worker.hub, `match_urlpattern=${encodeURIComponent(ALL.match)}`, token);
  await stream.until(() => stream.events.length === 1);
  const told = () => documents(stream).slice(1);
  const untilTold = async (count: number) => {
    await stream.until(() => told().length >= count);
    return told();
  };
  return { ...stream, told, untilTold };
}

/** What is at a path, with a grant for all of them or the one given. */
async function read(
  worker: TestWorker,
  path: string,
  subscribe: Parameters<typeof accessToken>[1]["subscribe"] = [ALL],
) {
  const authorization = `Bearer ${await accessToken(worker, { subscribe: [PATH, ...subscribe] })}`;
  return await fetch(worker.url + path, { headers: { authorization } });
}

async function listed(worker: TestWorker, path = PATH): Promise<Document[]> {
  return (await (await read(worker, path)).json()).subscriptions;
}

async function refusalOf(answer: Response): Promise<[status: number, code: string]> {
  const { status, headers } = answer;
  const refusal = readRefusal({ status, headers, text: await answer.text() });
  return [refusal.status, refusal.code];
}

for (const [name, serve] of Object.entries(SERVERS)) {
  const test = (what: string, run: (worker: TestWorker) => Promise<void>) =>
    Deno.test(`active subscriptions, ${name}: ${what}`, async () => {
      await using worker = await testWorker({ serve, env: ON });
      await run(worker);
    });

  test("a stream that opens and ends is told of by a private update of the hub's own type", async (worker) => {
    await using observer = await openObserver(worker);
    await using blind = await openStream(worker.hub, "match=*", await accessToken(worker, { subscribe: ["a"] }));
    await observer.untilTold(1);
    const stream = await openStream(worker.hub, "match=a", await accessToken(worker, { subscribe: ["a"] }));
    const opened = (await observer.untilTold(2))[1]!;
    await stream.close();
    const ended = (await observer.untilTold(3))[2]!;
    equal(ended, { ...opened, active: false });
    ok(opened.active && opened.id.startsWith(`${PATH}/exact/a/urn%3Auuid%3A`));
    equal(new Set(observer.events.map(({ type }) => type)), new Set(["mercure"]));
    await publish(worker.hub, await accessToken(worker, { publish: ["*"] }), [["topic", "a"], ["data", "last"]]);
    await blind.until(() => blind.events.length > 0);
    equal(blind.events.map(({ data }) => data), ["last"]);
  });

  test("a stream that is asked for by QUERY is told of alike", async (worker) => {
    await using observer = await openObserver(worker);
    const asked = await queryStream(worker.hub, "match=b&match=b", {
      query: "match=a",
      token: await accessToken(worker, { subscribe: ["a"] }),
    });
    equal((await observer.untilTold(2)).map(({ match, active }) => [match, active]), [["a", true], ["b", true]]);
    await asked.body?.cancel();
    equal((await observer.untilTold(4)).slice(2).map(({ match, active }) => [match, active]), [["a", false], [
      "b",
      false,
    ]]);
  });

  test("a request that opens no stream is told of to nobody", async (worker) => {
    await using observer = await openObserver(worker);
    const authorization = `Bearer ${await accessToken(worker, { subscribe: ["a"] })}`;
    await fetch(`${worker.hub}?match=a`, { method: "HEAD", headers: { authorization } });
    for (const query of ["match=", "nothing"]) {
      await (await fetch(`${worker.hub}?${query}`, { headers: { authorization } })).text();
    }
    await using _ = await openStream(worker.hub, "match=b", await accessToken(worker, { subscribe: ["b"] }));
    equal((await observer.untilTold(1)).map(({ match }) => match), ["b"]);
  });
}

const test = (what: string, run: (worker: TestWorker) => Promise<void>, env: Record<string, string> = {}) =>
  Deno.test(`active subscriptions: ${what}`, async () => {
    await using worker = await testWorker({ env: { ...ON, ...env } });
    await run(worker);
  });

test("the collection, those of a matcher, and one of them are at their addresses", async (worker) => {
  await using observer = await openObserver(worker);
  const token = await accessToken(worker, { subscribe: ["*"] });
  const pattern = "https://example.com/:selector";
  await using _a = await openStream(worker.hub, "match=a", token);
  await using _b = await openStream(worker.hub, `match_urlpattern=${encodeURIComponent(pattern)}`, token);
  await observer.untilTold(2);
  const its = (await listed(worker)).find(({ match }) => match === pattern)!;
  equal((await listed(worker)).map(({ match }) => match).sort(), [ALL.match, "a", pattern].sort());
  const path = `${PATH}/urlpattern/https%3A%2F%2Fexample.com%2F%3Aselector`;
  equal(its, {
    id: `${path}/${encodeURIComponent(its.subscriber)}`,
    type: "subscription",
    match_type: "urlpattern",
    match: pattern,
    subscriber: its.subscriber,
    active: true,
  } as Document);
  const collection = await (await read(worker, path)).json();
  equal(collection, { id: path, type: "subscriptions", subscriptions: [its] });
  equal(await (await read(worker, `${PATH}?a=b`)).json().then(({ id }) => id), PATH);
  const one = await read(worker, its.id);
  equal([await one.json(), one.headers.get("content-type")], [its, "application/json"]);
});

test("the payload of the grant is told and listed", async (worker) => {
  await using observer = await openObserver(worker);
  const grants = [{ match: "a", payload: { n: 1 } }, { match: "*", payload: { n: 2 } }];
  const authorization_details = grants.map(({ match, payload }) => ({
    type: "https://mercure.rocks/authorization-detail",
    actions: ["subscribe"],
    topics: [{ match }],
    payload,
  }));
  const token = await accessToken(worker, { claims: { authorization_details } });
  await using _ = await openStream(worker.hub, "match=a&match=b", token);
  equal((await observer.untilTold(2)).map(({ match, payload }) => [match, payload]), [["a", { n: 1 }], ["b", {
    n: 2,
  }]]);
  const found = (await listed(worker)).filter(({ payload }) => payload);
  equal(found.map(({ match, payload }) => [match, payload]).sort(), [["a", { n: 1 }], ["b", { n: 2 }]]);
});

test("what happens after the answer is told to whoever comes with the id of its Link", async (worker) => {
  const cursorOf = ({ headers }: Response) => /; last-event-id="([^"]*)"/.exec(headers.get("link")!)![1]!;
  const empty = await read(worker, PATH);
  equal(
    empty.headers.get("link"),
    `<${worker.hub}>; rel="mercure"; last-event-id="earliest"; type="mercure"; content-type="application/json"`,
  );
  equal([(await empty.json()).subscriptions, empty.headers.get("cache-control")], [[], "private, no-cache"]);
  const token = await accessToken(worker, { subscribe: [ALL] });
  await using _a = await openStream(worker.hub, "match=a", token);
  await using first = await openStream(worker.hub, `match_urlpattern=${ALL.match}&last_event_id=earliest`, token);
  await first.until(() => first.events.length === 2);
  const answer = await read(worker, PATH), cursor = cursorOf(answer);
  equal((await answer.json()).subscriptions.length, 2);
  await using _b = await openStream(worker.hub, "match=b", token);
  await using second = await openStream(worker.hub, `match_urlpattern=${ALL.match}&last_event_id=${cursor}`, token);
  await second.until(() => second.events.length >= 2);
  equal(documents(second).slice(0, 2).map(({ match }) => match), ["b", ALL.match]);
});

test("each resource wants a grant to subscribe to its own path", async (worker) => {
  await using _ = await openStream(worker.hub, "match=a", await accessToken(worker, { subscribe: [PATH] }));
  await using observer = await openObserver(worker);
  const { id } = (await listed(worker)).find(({ match }) => match === "a")!;
  const ask = async (path: string, grants: Parameters<typeof accessToken>[1]) => {
    const authorization = `Bearer ${await accessToken(worker, grants)}`;
    const response = await fetch(worker.url + path, { headers: { authorization } });
    return response.status === 200 ? (await response.body?.cancel(), 200) : (await refusalOf(response))[0];
  };
  const pattern = (match: string) => ({ match, match_type: "urlpattern" as const });
  const paths = [PATH, `${PATH}/exact/a`, id];
  const statuses = async (grants: Parameters<typeof accessToken>[1]) =>
    await Promise.all(paths.map((path) => ask(path, grants)));
  equal(await statuses({ subscribe: ["*"] }), [200, 200, 200]);
  equal(await statuses({ subscribe: [PATH] }), [200, 403, 403]);
  equal(await statuses({ subscribe: [`${PATH}/exact/a`] }), [403, 200, 403]);
  equal(await statuses({ subscribe: [id] }), [403, 403, 200]);
  equal(await statuses({ subscribe: [pattern(`${PATH}/:type/:match/:subscriber`)] }), [403, 403, 200]);
  equal(await statuses({ subscribe: [pattern(`${worker.hub}/subscriptions*`)] }), [200, 200, 200]);
  equal(await statuses({ subscribe: [`${worker.url}${PATH}`, "a"] }), [403, 403, 403]);
  equal(await statuses({ publish: ["*"] }), [403, 403, 403]);
  ok(observer.told().length >= 0);
});

test("without a token they are 401, with a cookie of our Origin they are read", async (worker) => {
  equal(await refusalOf(await fetch(worker.url + PATH)), [401, "missing_token"]);
  const cookie = `${COOKIE}=${await accessToken(worker, { subscribe: [PATH] })}`;
  const asked = (headers: Record<string, string>) => fetch(worker.url + PATH, { headers: { cookie, ...headers } });
  equal((await (await asked({ origin: worker.url })).json()).type, "subscriptions");
  equal(await refusalOf(await asked({ origin: "https://evil.example" })), [403, "origin_refused"]);
}, { CARILLON_ANONYMOUS: "true" });

test("what is not active is 404, and so is what could never be", async (worker) => {
  const subscriber = encodeURIComponent(`urn:uuid:${crypto.randomUUID()}`);
  const nowhere = [
    "/exact",
    "/regexp/a",
    "/exact/a/b",
    "/exact/%FF",
    `/exact/a/${subscriber}`,
    `/exact/a/${subscriber}/x`,
    "/",
    "/exact//x",
  ];
  for (const path of nowhere) equal(await refusalOf(await read(worker, PATH + path, ["*"])), [404, "not_found"], path);
  equal(await listed(worker, `${PATH}/exact/a`), []);
});

test("any path is an answer or a documented refusal", async (worker) => {
  const authorization = `Bearer ${await accessToken(worker, { subscribe: ["*"] })}`;
  const segment = fc.oneof(
    fc.constantFrom("exact", "urlpattern", "a", "%", "%2", "%FF", "%00", "..", "."),
    text.map((each) => encodeURIComponent(each.toWellFormed())),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(segment, { maxLength: 4 }), async (segments) => {
      const response = await fetch([worker.url + PATH, ...segments].join("/"), { headers: { authorization } });
      if (response.status !== 200) return ok((await refusalOf(response))[0] === 404);
      ok(["subscription", "subscriptions"].includes((await response.json()).type));
    }),
    { numRuns: 80 },
  );
});

test("a subject that opens streams again and again is 429, and nobody else is", async (worker) => {
  const body = new URLSearchParams(Array.from({ length: 100 }, (_, n) => ["match", `${n}${"x".repeat(1_000)}`]))
    .toString();
  const listen = async (sub: string) => {
    const token = await accessToken(worker, { subscribe: ["a"], claims: { sub } });
    const response = await queryStream(worker.hub, body, { token });
    if (response.status === 200) return await response.body?.cancel();
    return await refusalOf(response);
  };
  equal([await listen("alice"), await listen("alice"), await listen("alice")], [undefined, undefined, [
    429,
    "too_many_streams",
  ]]);
  equal(await listen("bob"), undefined);
});

Deno.test("active subscriptions: where they are not told nothing is written, told or listed", async () => {
  await using worker = await testWorker();
  const token = await accessToken(worker, { subscribe: ["*"] });
  const stream = await openStream(worker.hub, "match=*&last_event_id=earliest", token);
  await stream.close();
  equal(await refusalOf(await read(worker, PATH, ["*"])), [404, "not_found"]);
  for (const prefix of ["active", "era", "journal"]) {
    equal(await Array.fromAsync(worker.kv.list({ prefix: [prefix] })), []);
  }
});

Deno.test("active subscriptions: a worker that stops tells of every end, and leaves nothing", async () => {
  await using kv = await Deno.openKv(":memory:").then((kv) =>
    Object.assign(kv, { [Symbol.asyncDispose]: () => Promise.resolve(kv.close()) })
  );
  const first = await testWorker({ kv, env: ON });
  const streams = await Promise.all(
    Array.from(
      { length: 20 },
      async () => openStream(first.hub, "match=a", await accessToken(first, { subscribe: ["a"] })),
    ),
  );
  await first.stop();
  for (const stream of streams) await stream.close();
  for (const prefix of ["active", "era"]) equal(await Array.fromAsync(kv.list({ prefix: [prefix] })), []);
  await using next = await testWorker({ kv, env: ON });
  const token = await accessToken(next, { subscribe: ["*"] });
  await using stream = await openStream(next.hub, "match=*&last_event_id=earliest", token);
  await stream.until(() => stream.events.length >= 40);
  const its = documents(stream).filter(({ match }) => match === "a");
  equal([its.filter(({ active }) => active).length, its.filter(({ active }) => !active).length], [20, 20]);
});

testStores("active subscriptions: two workers on one database know each other's streams", async (openKv) => {
  await using database = await openKv();
  const { kv, idle } = watchKv(database);
  // A worker that stops while it gives back a shard does not wait for that.
  await using things = new AsyncDisposableStack();
  things.defer(idle);
  const shared = { kv, isShared: true, clock: fastClock(20), env: ON };
  await using here = await testWorker(shared);
  await using there = await testWorker(shared);
  await using observer = await openObserver(there);
  const stream = await openStream(here.hub, "match=a", await accessToken(here, { subscribe: ["a"] }));
  const [opened] = await observer.untilTold(1);
  for (const worker of [here, there]) {
    equal((await listed(worker)).map(({ match }) => match).sort(), [ALL.match, "a"]);
    equal(await listed(worker, `${PATH}/exact/a`), [opened!]);
    equal(await (await read(worker, opened!.id)).json(), opened!);
  }
  await stream.close();
  equal((await observer.untilTold(2))[1], { ...opened!, active: false });
  for (const worker of [here, there]) {
    // Who was told of the end may ask before it is taken out.
    while ((await listed(worker)).length > 1);
    equal(await refusalOf(await read(worker, opened!.id)), [404, "not_found"]);
  }
});
