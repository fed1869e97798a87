/** Servers that advertise nonsense: it is reported, polled, and never followed. */
import fc from "fast-check";
import { type Channel, type State, watch } from "../../../src/client/mod.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { manualClock } from "../../helpers/clock.ts";
import {
  type Asked,
  davStub,
  multistatus,
  printCollection,
  URL_OF,
  VAPID,
  WEBDAV_PUSH,
} from "../../helpers/dav_stub.ts";
import { createWaiting } from "../../../scripts/lib/waiting.ts";

const SUBSCRIPTION = { endpoint: "https://push.example/a", expirationTime: null, keys: { p256dh: VAPID, auth: "a" } };

/** A channel that is open at once and says nothing. */
const silent: Channel = {
  transport: "silent",
  subscription: SUBSCRIPTION,
  lasts: false,
  hear: ({ signal, onOpen }) =>
    new Promise((resolve) => {
      onOpen();
      signal.addEventListener("abort", () => resolve());
    }),
  end: () => Promise.resolve(),
};

/** Looks twice at a server that answers so; answers what was reported, and the state then. */
async function meet(answer: (asked: Asked) => Response) {
  const clock = manualClock(), stub = davStub(answer), faults: string[] = [], heard: string[] = [];
  let state: State = "offline";
  const waiting = createWaiting(() => JSON.stringify({ asked: stub.asked, faults, state }));
  const fetch: typeof stub.fetch = (url, init) => stub.fetch(url, init).finally(() => waiting.notify());
  const watching = watch({
    url: URL_OF,
    fetch,
    clock: { ...clock, wait: (ms, signal) => (waiting.notify(), clock.wait(ms, signal)) },
    random: () => 0.5,
    transports: [({ vapidKey, hub }) => Promise.resolve(vapidKey ?? hub ? silent : undefined)],
    changed: (_, token) => void heard.push(token ?? ""),
    state: (next) => void (state = next),
    reported: ({ code, message }) => void faults.push(`${code}: ${message}`),
  });
  const atRest = (looks: number) => waiting.until(() => stub.looks().length >= looks && clock.waiting > 0);
  await atRest(1);
  // A round of the event loop: what an answer leads to has been asked by then.
  await new Promise((resolve) => setTimeout(resolve, 0));
  for (let looks = stub.looks().length, waits = 0; stub.looks().length === looks && waits < 100; waits++) {
    clock.advance(60_000);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  await watching.end();
  const strange = stub.asked.filter(({ url }) => new URL(url).origin !== new URL(URL_OF).origin);
  equal(strange, []);
  return { faults, state, heard, asked: stub.asked };
}

const subscribeAt = (href: string, uri = "urn:ietf:rfc:8030") =>
  `<T:topic>sealed</T:topic><T:push-subscribe-URL><href>${href}</href></T:push-subscribe-URL><T:supported-transport-set>` +
  `<T:transport><T:transport-uri>${uri}</T:transport-uri><T:transport-data><T:vapid-public-key>${VAPID}` +
  `</T:vapid-public-key></T:transport-data></T:transport></T:supported-transport-set>`;

for (
  const href of [
    "/-/registrations",
    "registrations",
    "//evil.example/-/registrations",
    "https://evil.example/",
    "http://dav.example/-/registrations",
    "https://dav.example:8443/",
    "http://169.254.169.254/latest/",
    "http://localhost/",
    "https://user:secret@dav.example/",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "",
  ]
) {
  Deno.test(`client watch: a server that lets clients subscribe at "${href}" is reported, polled, and not followed`, async () => {
    const { faults, state, heard, asked } = await meet(() => multistatus(printCollection({ more: subscribeAt(href) })));
    equal([faults, state, heard], [
      ["not_followed: where to subscribe is no address of the DAV server's own origin"],
      "poll",
      ["1"],
    ]);
    equal(asked.filter(({ method }) => method !== "PROPFIND"), []);
  });
}

Deno.test("client watch: by CC/CD 70025 it subscribes where the server's own origin says", async () => {
  const { faults, state, asked } = await meet(({ method }) =>
    method === "POST"
      ? new Response(null, { status: 201, headers: { location: "https://dav.example/-/registrations/1" } })
      : method === "DELETE"
      ? new Response(null, { status: 204 })
      : multistatus(printCollection({ more: subscribeAt("https://dav.example/-/registrations") }))
  );
  equal([faults, state], [[], "push"]);
  const [post] = asked.filter(({ method }) => method === "POST");
  ok(post!.url === "https://dav.example/-/registrations" && post!.body!.includes("<topic>sealed</topic>"), post!.body);
  equal(asked.at(-1), { method: "DELETE", url: "https://dav.example/-/registrations/1" });
});

Deno.test("client watch: a registration that is of another origin is reported, and polled", async () => {
  for (const location of ["https://evil.example/1", "/1", 'https://dav.example/"', ""]) {
    const { faults, state } = await meet(({ method }) =>
      method === "POST"
        ? new Response(null, { status: 201, headers: { location } })
        : multistatus(printCollection({ more: WEBDAV_PUSH }))
    );
    equal([faults.map((fault) => fault.split(":")[0]), state], [["not_followed"], "poll"]);
  }
});

Deno.test("client watch: a registration that is refused is reported with what did not hold, if that is said", async () => {
  const error = (inside: string) => `<error xmlns="DAV:" xmlns:P="https://bitfire.at/webdav-push">${inside}</error>`;
  const cases: [string | (() => ReadableStream) | null, string][] = [
    [error("<P:invalid-subscription/>"), "403 invalid-subscription"],
    [error(`<${"x".repeat(2_000)}/>`), `403 ${"x".repeat(40)}`],
    [error(""), "403"],
    ["<html><p>no</p></html>", "403"],
    ["no", "403"],
    [endless, "403"],
    [null, "403"],
  ];
  for (const [body, said] of cases) {
    const { faults, state } = await meet(({ method }) =>
      method === "POST"
        ? new Response(typeof body === "function" ? body() : body, { status: 403 })
        : multistatus(printCollection({ more: WEBDAV_PUSH }))
    );
    equal([faults, state], [[`refused: the DAV server refused it: ${said}`], "poll"]);
  }
});

Deno.test("client watch: unknown transports, no topic, no key are reported, and polled", async () => {
  const cases: [string, string][] = [
    [subscribeAt("https://dav.example/", "urn:other"), "no_transport"],
    ["<P:transports><P:pigeon/></P:transports><P:topic>a</P:topic>", "no_transport"],
    [WEBDAV_PUSH.replace("<P:topic>topic</P:topic>", ""), "malformed"],
    [WEBDAV_PUSH.replace(VAPID, "AAAA"), "malformed"],
    [WEBDAV_PUSH.replace(">topic<", `>${"x".repeat(2_000)}<`), "malformed"],
  ];
  for (const [more, code] of cases) {
    const { faults, state, heard } = await meet(() => multistatus(printCollection({ more })));
    equal([faults.map((fault) => fault.split(":")[0]), state, heard], [[code], "poll", ["1"]]);
  }
});

Deno.test("client watch: members of other places are reported, and not told of", async () => {
  const hrefs = [
    "https://evil.example/alice/work/",
    "//evil.example/alice/work/",
    "/bob/",
    "/alice/work/../../bob/",
    "work/",
  ];
  for (const href of hrefs) {
    const { faults, heard } = await meet(() => multistatus(printCollection() + printCollection({ href, token: "9" })));
    equal([faults.length, faults[0]!.startsWith("not_followed"), heard], [1, true, ["1"]]);
  }
});

/** A body that has no end. */
function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(256 * 1024).fill(32)) });
}

Deno.test("client watch: a hub of another origin is reported, and not listened to", async () => {
  const link = '<https://evil.example/hub>; rel="mercure"';
  const { faults, state } = await meet(() => multistatus(printCollection(), { link }));
  equal([faults.map((fault) => fault.split(":")[0]), state], [["not_followed"], "poll"]);
});

Deno.test("client watch: what is no multistatus, has no end, or leads elsewhere is reported, and asked for again later", async () => {
  const cases: [() => Response, string][] = [
    [() => new Response("<multistatus", { status: 207 }), "malformed"],
    [() => new Response("<other/>", { status: 207 }), "malformed"],
    [() => new Response('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', { status: 207 }), "malformed"],
    [() => new Response(endless(), { status: 207 }), "malformed"],
    [() => new Response(null, { status: 301, headers: { location: "https://evil.example/" } }), "not_followed"],
    [() => new Response(null, { status: 401 }), "refused"],
    [() => new Response(null, { status: 200 }), "refused"],
    [() => new Response(null, { status: 404 }), "gone"],
    [() => new Response(null, { status: 503, headers: { "retry-after": "120" } }), "unavailable"],
  ];
  for (const [answer, code] of cases) {
    const { faults, state, asked, heard } = await meet(answer);
    equal([faults.map((fault) => fault.split(":")[0]), state, heard], [[code], "offline", []]);
    ok(asked.length === 2 && asked.every(({ method }) => method === "PROPFIND"), JSON.stringify(asked));
  }
});

Deno.test("client watch: whatever a server answers, nothing else is asked than it, and no error leaves", async () => {
  const piece = fc.constantFrom(
    printCollection(),
    WEBDAV_PUSH,
    subscribeAt("https://evil.example/"),
    "<response>",
    "</response>",
    "<href>",
  );
  const body = fc.array(fc.oneof(piece, fc.string({ maxLength: 20 })), { maxLength: 6 }).map((all) => all.join(""));
  await fc.assert(
    fc.asyncProperty(
      body,
      fc.boolean(),
      fc.constantFrom(200, 204, 207, 302, 403, 500),
      async (body, isBare, status) => {
        const { faults } = await meet(() =>
          isBare ? new Response(status === 204 ? null : body, { status }) : multistatus(body)
        );
        ok(faults.every((fault) => /^[a-z_]+: /.test(fault) && !fault.includes("a look failed")), faults.join());
      },
    ),
    { numRuns: 60 },
  );
});
