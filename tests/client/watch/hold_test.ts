/** Channels and registrations that fail, end, hang, or stand for what is not there any more. */
import { type Channel, eventStream, ReceiverError, type Transport } from "../../../src/client/mod.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { multistatus, printCollection, VAPID, WEBDAV_PUSH } from "../../helpers/dav_stub.ts";
import { openTimedWatch, pushed, settle, testChannel } from "../../helpers/timed_watch.ts";

const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const HALF = () => 0.5;

/** What a server answers to whoever registers. */
const granted = (expires: string, more: Record<string, string> = {}) =>
  new Response(null, { status: 201, headers: { location: "https://dav.example/r/1", expires, ...more } });
const inDays = (now: number, days: number) => new Date(now + days * DAY).toUTCString();
const shown = (topic = "topic", token = "1") =>
  multistatus(printCollection({ token, more: WEBDAV_PUSH.replace(">topic<", `>${topic}<`) }));

/** Opens a channel of the test. */
const by = (channel: Partial<Channel>): Transport => () => Promise.resolve({ ...testChannel().channel, ...channel });

Deno.test("client hold: a hub that refuses the token is asked less and less often, and so is the DAV server", async () => {
  let asked = 0;
  const fetch = () => Promise.resolve(new Response(null, { status: (asked++, 403) }));
  const transports = [eventStream({ hub: "https://hub.example/", token: "a", fetch })];
  await using watch = await openTimedWatch(() => multistatus(printCollection()), HALF, { transports });
  await watch.pass(3 * HOUR, MINUTE / 2);
  ok(asked > 2 && asked < 25 && watch.times.length < 25, `${asked} ${watch.times.length}`);
});

Deno.test("client hold: a token that has ended, or cannot be had, is found anew for the next connection", async () => {
  const found = ["old", undefined, "fresh"], seen: string[] = [];
  const token = () =>
    Promise.resolve(found.length > 1 ? found.shift() : found[0]).then((it) => it ?? Promise.reject("x"));
  const fetch = (_: unknown, init?: RequestInit) => {
    const { authorization } = init!.headers as Record<string, string>;
    seen.push(authorization!);
    const headers = { "content-type": "text/event-stream" };
    return Promise.resolve(
      authorization === "Bearer fresh"
        ? new Response(new ReadableStream({ start: (c) => c.enqueue(new Uint8Array([58, 10])) }), { headers })
        : new Response(null, { status: 401 }),
    );
  };
  const transports = [eventStream({ hub: "https://hub.example/", token, fetch })];
  await using watch = await openTimedWatch(() => multistatus(printCollection()), HALF, { transports });
  await watch.pass(HOUR, MINUTE / 2);
  // The stream of the test is silent, so that it is opened again and again.
  equal([[...new Set(seen)], watch.watching.state], [["Bearer old", "Bearer fresh"], "push"]);
});

Deno.test("client hold: of a home a stream is told of the home as well, and looks when that has changed", async () => {
  const home = "<response><href>/alice/work/</href><propstat><prop><resourcetype><collection/></resourcetype></prop>" +
    "<status>HTTP/1.1 200 OK</status></propstat></response>";
  const { channel, hearings } = testChannel(), { subscription: _, ...stream } = channel, offered: string[][] = [];
  const transports: Transport[] = [({ topics }) => (offered.push(topics), Promise.resolve(stream))];
  let inside = printCollection({ href: "/alice/work/1/" });
  await using watch = await openTimedWatch(() => multistatus(home + inside), HALF, { transports });
  await watch.pass(MINUTE);
  const looks = watch.times.length;
  equal(offered, [["https://dav.example/alice/work/1/", "https://dav.example/alice/work/"]]);
  inside += printCollection({ href: "/alice/work/2/", token: "9" });
  hearings[0]!.onMessage(JSON.stringify({ topic: "https://dav.example/alice/work/" }));
  await watch.pass(5_000);
  equal([watch.times.length, watch.heard], [looks + 1, ["1", "9"]]);
  // A hub takes a hundred at once.
  inside = Array.from({ length: 100 }, (_, n) => printCollection({ href: `/alice/work/${n}/` })).join("");
  await watch.pass(2 * HOUR, MINUTE);
  equal([offered.at(-1)!.length, offered.at(-1)!.includes("https://dav.example/alice/work/")], [100, false]);
});

Deno.test("client hold: a channel that opens and ends at once, again and again, is opened less and less often", async () => {
  let opened = 0;
  const hear: Channel["hear"] = ({ onOpen }) => {
    opened++;
    onOpen();
    return Promise.reject(new ReceiverError("gone", "it has ended"));
  };
  await using watch = await openTimedWatch(() => shown(), HALF, { transports: [by({ hear })] });
  await watch.pass(3 * HOUR, MINUTE / 2);
  ok(opened > 2 && opened < 30 && watch.times.length < 80, `${opened} ${watch.times.length}`);
});

Deno.test("client hold: renewals that fail are tried less and less often, and not before the server said", async () => {
  const posts: number[] = [];
  let headers: Record<string, string> | undefined;
  await using watch = await openTimedWatch(({ method }, now) => {
    if (method === "POST") posts.push(now);
    if (method !== "POST") return shown();
    return headers ? new Response(null, { status: 503, headers }) : granted(inDays(now, 3));
  });
  headers = {};
  await watch.pass(2 * DAY + 3 * HOUR, MINUTE);
  const failed = posts.length - 1;
  ok(failed > 2 && failed < 20, `${failed}`);
  headers = { "retry-after": `${6 * 3600}` };
  await watch.pass(30 * MINUTE, MINUTE);
  const count = posts.length;
  await watch.pass(5 * HOUR, MINUTE);
  equal(posts.length, count);
});

Deno.test("client hold: a clock that is years ahead, and is set right, does not keep a registration from being renewed", async () => {
  let posts = 0, isSet = false;
  await using watch = await openTimedWatch(({ method }, now) => {
    if (method !== "POST") return shown();
    posts++;
    // The server's clock is right; the client's is four years ahead until it is set.
    const server = isSet ? now : now - 4 * 365 * DAY;
    return granted(inDays(server, 3), { date: new Date(server).toUTCString() });
  });
  equal(posts, 1);
  await watch.pass(HOUR, MINUTE);
  equal(posts, 1);
  isSet = true;
  watch.clock.jump(-4 * 365 * DAY);
  await watch.pass(2 * HOUR, MINUTE);
  equal([posts, watch.watching.state], [2, "push"]);
});

Deno.test("client hold: an end long ago, as PHP sends it by itself, says nothing of a registration", async () => {
  let posts = 0;
  await using watch = await openTimedWatch(({ method }) =>
    method === "POST" ? (posts++, granted("Thu, 19 Nov 1981 08:52:00 GMT")) : shown()
  );
  await watch.pass(6 * HOUR, MINUTE);
  equal([posts, watch.watching.state], [1, "push"]);
});

Deno.test("client hold: a collection that was made anew, with another topic, is registered anew", async () => {
  let topic = "one", posts = 0;
  await using watch = await openTimedWatch(({ method }, now) =>
    method === "POST" ? (posts++, granted(inDays(now, 7))) : shown(topic)
  );
  await watch.pass(MINUTE);
  topic = "two";
  await watch.pass(2 * HOUR, MINUTE);
  equal([posts, watch.watching.state], [2, "push"]);
});

Deno.test("client hold: what changes in a new collection while that is registered is looked for", async () => {
  const home =
    `<response><href>/alice/work/</href><propstat><prop><resourcetype><collection/></resourcetype>${WEBDAV_PUSH}` +
    "</prop><status>HTTP/1.1 200 OK</status></propstat></response>";
  let posts = 0, inside = "", token = "1";
  await using watch = await openTimedWatch(({ method }, now) => {
    if (method !== "POST") {
      return multistatus(home + (inside && printCollection({ href: inside, token, more: WEBDAV_PUSH })));
    }
    // Somebody writes between the look that found it and its registration.
    if (inside) token = "2";
    posts++;
    return granted(inDays(now, 7));
  });
  await watch.pass(MINUTE);
  equal(posts, 1);
  inside = "/alice/work/new/";
  watch.watching.look();
  await watch.pass(MINUTE);
  equal([posts, watch.heard], [2, ["1", "2"]]);
});

Deno.test("client hold: a transport that never opens, or throws at once, does not keep the watch from polling", async () => {
  for (const transport of [() => new Promise<undefined>(() => {}), () => fail(), () => undefined as never]) {
    let token = 1;
    const given = { transports: [transport] };
    await using watch = await openTimedWatch(() => shown("topic", `${token++}`), HALF, given);
    await watch.pass(5 * MINUTE);
    ok(watch.heard.length >= 3, `${watch.heard}`);
    equal(watch.watching.state, "poll");
  }
});

function fail(): never {
  throw new Error("broken");
}

Deno.test("client hold: a channel whose hearing throws when it is ended is neither ended by a sleep, nor by closing", async () => {
  let ends = 0, hearings = 0;
  const hear: Channel["hear"] = ({ signal, onOpen }) =>
    new Promise((_, reject) => {
      hearings++;
      onOpen();
      signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    });
  const channel = { hear, end: () => Promise.resolve(void ends++) };
  const watch = await openTimedWatch(pushed(() => "1", (now) => now + 7 * DAY), HALF, { transports: [by(channel)] });
  watch.clock.jump(8 * HOUR);
  await watch.pass(2 * MINUTE);
  equal([hearings, watch.watching.state, watch.faults], [2, "push", []]);
  await watch.watching.close();
  equal(ends, 0);
});

Deno.test("client hold: a hearing that throws at once is reported, and polled", async () => {
  await using watch = await openTimedWatch(() => shown(), HALF, { transports: [by({ hear: fail, end: fail })] });
  await watch.pass(MINUTE);
  equal([watch.watching.state, new Set(watch.faults)], ["poll", new Set(["unavailable"])]);
});

Deno.test("client hold: who closes while a lasting channel opens leaves it, and who ends takes it back", async () => {
  for (const [how, expected] of [["close", 0], ["end", 1]] as const) {
    const opening = Promise.withResolvers<Channel>();
    let ends = 0;
    const watch = await openTimedWatch(() => shown(), HALF, { transports: [() => opening.promise] });
    const closing = watch.watching[how]();
    opening.resolve({ ...testChannel().channel, end: () => Promise.resolve(void ends++) });
    await closing;
    await settle();
    equal([how, ends], [how, expected]);
  }
});

Deno.test("client hold: a key of a server that changes leads to another channel, by that key", async () => {
  let key = VAPID;
  const keys: (string | undefined)[] = [], other = `${VAPID.slice(0, -1)}w`;
  const transports: Transport[] = [({ vapidKey }) => (keys.push(vapidKey), Promise.resolve(testChannel().channel))];
  await using watch = await openTimedWatch(
    ({ method }, now) =>
      method === "POST"
        ? granted(inDays(now, 7))
        : multistatus(printCollection({ more: WEBDAV_PUSH.replace(VAPID, key) })),
    HALF,
    { transports },
  );
  key = other;
  await watch.pass(2 * HOUR, MINUTE);
  equal([keys, watch.watching.state], [[VAPID, other], "push"]);
});
