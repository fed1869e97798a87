import fc from "fast-check";
import { serveDeno } from "../../src/serve/deno_serve.ts";
import { serveNode } from "../../src/serve/node_http.ts";
import { makeAdminToken } from "../../src/store/keys.ts";
import { equal, ok } from "../helpers/assert.ts";
import { memoryKv } from "../helpers/broker.ts";
import { jumpingClock, manualClock } from "../helpers/clock.ts";
import { eventually } from "../helpers/eventually.ts";
import { ADMIN_TOKEN, ask, consoleWorker, login, post } from "../helpers/console.ts";
import { readRefusal } from "../helpers/refusal.ts";
import { witness } from "../helpers/witness.ts";
import { accessToken, type TestWorker, testWorker } from "../helpers/worker.ts";

const TOPIC = "https://dav.example/work/";
const RING = new URLSearchParams({ topic: TOPIC, priority: "70" }).toString();

/** Every address that shows or does something, and how it is asked. */
const GUARDED = [["GET", "/figures"], ["GET", "/listen?match=*"], ["POST", "/ring"]] as const;

function call(url: string, [method, path]: readonly [string, string], asked: Parameters<typeof ask>[2] = {}) {
  return method === "POST" ? post(url, path, RING, asked) : ask(url, path, { method, ...asked });
}

/** Listens until something is heard that the condition holds of. */
async function listenUntil({ url }: TestWorker, cookie: string, match: string, heard: string): Promise<string> {
  const headers = { cookie, "sec-fetch-site": "same-origin" };
  const response = await fetch(`${url}/-/console/listen?match=${encodeURIComponent(match)}`, { headers });
  let text = "";
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    if (text === "") void post(url, "/ring", RING, { cookie });
    if ((text += piece).includes(heard)) break;
  }
  return text;
}

for (const [name, serve] of [["node:http", serveNode], ["Deno.serve", serveDeno]] as const) {
  Deno.test(`console, ${name}: log in, look, ring, hear it, log out`, async () => {
    await using worker = await consoleWorker({ serve });
    const { url } = worker, cookie = await login(url);
    const page = await ask(url, "", { cookie });
    ok(page.status === 200 && page.text.includes("Live streams"), page.text);
    ok((await ask(url, "/figures", { cookie })).text.startsWith('<section id="now"'));
    ok((await listenUntil(worker, cookie, TOPIC, "data: ")).includes(`"topic":"${TOPIC}","priority":70`));
    const left = await post(url, "/logout", "", { cookie });
    equal([left.status, left.headers.get("location")], [303, "/-/console"]);
    ok(/^carillon_session=; Max-Age=0;/.test(left.headers.get("set-cookie")!), left.headers.get("set-cookie")!);
  });

  Deno.test(`console, ${name}: whoever is not logged in is shown a form and nothing else`, async () => {
    using seen = witness();
    await using worker = await consoleWorker({
      serve,
      env: { CARILLON_ISSUERS: issuers(seen.keep("https://cal.example")) },
    });
    const { url } = worker;
    for (const cookie of [undefined, "carillon_session=", "carillon_session=9999999999999.x", `x=${ADMIN_TOKEN}`]) {
      const { status, text } = await ask(url, "", { cookie });
      equal([status, text.includes("Admin token"), text.includes("Live streams")], [200, true, false]);
      seen.hear(text);
      for (const guarded of GUARDED) {
        const refusal = readRefusal(await call(url, guarded, { cookie }));
        equal([refusal.status, refusal.code], [401, "missing_session"]);
        seen.hear(refusal.text);
      }
    }
    equal((await worker.metrics.changes.get()).values[0]!.value, 0);
    seen.testify();
  });
}

const issuers = (iss: string) => JSON.stringify([{ iss, secret: "s".repeat(32), topics: ["*"] }]);

Deno.test("console: a wrong token is 401 and the form again; it is counted, and is nowhere said", async () => {
  using seen = witness();
  await using worker = await consoleWorker();
  for (const token of [`${ADMIN_TOKEN}x`, ADMIN_TOKEN.slice(1), "a-wrong-token-of-somebody", ""]) {
    const { status, headers, text } = await post(worker.url, "/login", `token=${seen.keep(token)}`);
    equal([status, headers.get("set-cookie"), text.includes("not the admin token")], [401, null, true]);
    seen.hear(text);
  }
  equal((await worker.metrics.refused.get()).values.map(({ labels, value }) => [labels.code, value]), [[
    "invalid_token",
    4,
  ]]);
  const page = await ask(worker.url, "", { cookie: await login(worker.url, seen.keep(ADMIN_TOKEN)) });
  ok(page.text.includes("invalid_token") && page.text.includes("/-/console/login"), page.text);
  seen.hear(page.text + await worker.metrics.registry.metrics());
  seen.testify();
});

Deno.test("console: with a slash behind it, and where a wrong token was sent to, a person is led to the page", async () => {
  await using worker = await consoleWorker();
  for (const path of ["/", "/login"]) {
    const { status, headers } = await ask(worker.url, path);
    equal([status, headers.get("location"), headers.get("cache-control")], [303, "/-/console", "no-store"]);
  }
});

Deno.test("console: refused logins wait for their turn", async () => {
  const clock = manualClock();
  await using worker = await consoleWorker({ clock });
  let answered = 0;
  const all = Array.from({ length: 6 }, () => post(worker.url, "/login", "token=wrong").finally(() => answered++));
  // Five of a moment, and this clock stands still.
  await eventually("five are answered, one waits", () => Promise.resolve(answered === 5));
  equal((await ask(worker.url, "")).status, 200);
  equal(answered, 5);
  await eventually("the last one", () => Promise.resolve((clock.advance(4), answered === 6)));
  equal((await Promise.all(all)).map(({ status }) => status), Array(6).fill(401));
});

Deno.test("console: without any admin token nobody is let in; the one that is made is good, until there is a new one", async () => {
  await using worker = await testWorker();
  equal((await post(worker.url, "/login", "token=")).status, 401);
  const cookie = await login(worker.url, await makeAdminToken(worker.kv));
  equal((await ask(worker.url, "/figures", { cookie })).status, 200);
  await makeAdminToken(worker.kv);
  equal((await ask(worker.url, "/figures", { cookie })).status, 401);
});

Deno.test("console: a session ends after ten hours, and what it listens to with it", async () => {
  const clock = jumpingClock();
  await using worker = await consoleWorker({ clock });
  const cookie = await login(worker.url);
  clock.jump(10 * 3_600_000 - 60_000);
  equal((await ask(worker.url, "/figures", { cookie })).status, 200);
  // By itself it would last for most of an hour.
  const headers = { cookie, "sec-fetch-site": "same-origin" };
  const stream = await fetch(`${worker.url}/-/console/listen?match=*`, { headers });
  clock.jump(60_000);
  equal((await ask(worker.url, "/figures", { cookie })).status, 401);
  ok((await stream.text()).endsWith("\n\n"));
});

Deno.test("console: a session is good at every worker of the database", async () => {
  await using kv = await memoryKv();
  await using one = await consoleWorker({ kv, isShared: true });
  await using other = await consoleWorker({ kv, isShared: true });
  const cookie = await login(one.url);
  equal((await ask(other.url, "/figures", { cookie })).status, 200);
});

Deno.test("console: logging out ends a session at every worker, also for whoever has its cookie, and no other one", async () => {
  const clock = jumpingClock();
  await using kv = await memoryKv();
  await using one = await consoleWorker({ kv, isShared: true, clock });
  await using other = await consoleWorker({ kv, isShared: true, clock });
  const mine = await login(one.url);
  clock.jump(1);
  const another = await login(other.url);
  equal((await post(one.url, "/logout", "", { cookie: mine })).status, 303);
  for (const { url } of [one, other]) {
    equal((await ask(url, "", { cookie: mine })).text.includes("Live streams"), false);
    for (const guarded of GUARDED) equal((await call(url, guarded, { cookie: mine })).status, 401);
    equal((await ask(url, "/figures", { cookie: another })).status, 200);
  }
  equal((await post(one.url, "/logout", "", { cookie: mine })).status, 303);
});

Deno.test("console: the cookie is for this host and no script; behind https for https alone", async () => {
  await using plain = await consoleWorker();
  const cookieOf = async (url: string) =>
    (await post(url, "/login", `token=${ADMIN_TOKEN}`)).headers.get("set-cookie")!;
  const rest = (text: string) => text.split("; ").slice(1).sort();
  const common = ["HttpOnly", "Max-Age=36000", "SameSite=Strict"];
  equal(rest(await cookieOf(plain.url)), [...common, "Path=/-/console"].sort());
  const kv = await Deno.openKv(":memory:");
  await using secure = await consoleWorker({ kv, env: { CARILLON_URL: "https://push.example" }, serve: kept });
  const cookie = await cookieOf(`http://localhost:${ports.pop()}`);
  ok(cookie.startsWith("__Host-carillon_session="), cookie);
  equal(rest(cookie), [...common, "Path=/", "Secure"].sort());
  await secure.stop();
  kv.close();
});

/** Where a worker listens whose public address is another one. */
const ports: number[] = [];
const kept: typeof serveNode = async (...given) => {
  const listening = await serveNode(...given);
  ports.push(listening.port);
  return listening;
};

Deno.test("console: what comes from another page is 403, with a session or the token, and does nothing", async () => {
  await using worker = await consoleWorker({ env: { CARILLON_ORIGINS: "https://app.example" } });
  const { url } = worker, cookie = await login(url);
  const foreign: Record<string, string>[] = [
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "cross-site", origin: url },
    { "sec-fetch-site": "none" },
    { "sec-fetch-site": "", origin: "https://app.example" },
    { "sec-fetch-site": "", origin: "null" },
  ];
  for (const given of foreign) {
    const headers = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ""));
    const asked = { headers: { cookie, "content-type": "application/x-www-form-urlencoded", ...headers } };
    for (const [path, body] of [["/login", `token=${ADMIN_TOKEN}`], ["/logout", ""], ["/ring", RING]]) {
      const response = await fetch(`${url}/-/console${path}`, { method: "POST", body, redirect: "manual", ...asked });
      equal(response.headers.get("set-cookie"), null);
      const { code } = readRefusal({ status: response.status, headers: response.headers, text: await response.text() });
      equal(code, "foreign_page", `${path} ${JSON.stringify(headers)}`);
    }
    const figures = await fetch(`${url}/-/console/figures`, asked);
    equal([figures.status, figures.headers.get("access-control-allow-origin")], [403, null]);
    await figures.body?.cancel();
  }
  equal((await worker.metrics.changes.get()).values[0]!.value, 0);
});

Deno.test("console: a browser that names no site is asked for its origin, where it does something", async () => {
  await using worker = await consoleWorker();
  const { url } = worker, cookie = await login(url), type = "application/x-www-form-urlencoded";
  const ring = async (headers: Record<string, string>) => {
    const response = await fetch(`${url}/-/console/ring`, {
      method: "POST",
      body: RING,
      headers: { cookie, ...headers },
    });
    await response.body?.cancel();
    return response.status;
  };
  equal([await ring({ "content-type": type, origin: url }), await ring({ "content-type": type })], [202, 403]);
  const figures = await fetch(`${url}/-/console/figures`, { headers: { cookie } });
  ok(figures.status === 200 && (await figures.text()).includes("Live streams"));
  equal((await fetch(`${url}/-/console/figures`, { method: "HEAD", headers: { cookie } })).status, 200);
});

Deno.test("console: every answer forbids what is not ours, and to be kept; a file is asked for again", async () => {
  await using worker = await consoleWorker();
  const { url } = worker, cookie = await login(url);
  const answers = [
    await ask(url, ""),
    await ask(url, "", { cookie }),
    await ask(url, "/figures"),
    await ask(url, "/no"),
  ];
  for (const { headers } of [...answers, await post(url, "/login", "token=x")]) {
    equal(headers.get("content-security-policy"), CSP);
    equal([headers.get("cache-control"), headers.get("x-content-type-options")], ["no-store", "nosniff"]);
  }
  for (
    const [file, type] of [["console.js", "text/javascript"], ["console.css", "text/css"], ["icon.svg", "image/svg"]]
  ) {
    const { status, headers } = await ask(url, `/${file}`), tag = headers.get("etag")!;
    ok(status === 200 && headers.get("content-type")!.startsWith(type!), file);
    equal(headers.get("cache-control"), "no-cache");
    equal((await ask(url, `/${file}`, { headers: { "if-none-match": tag } })).status, 304);
  }
});

const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

Deno.test("console: a bad ring and a bad pattern are refused with their reason, and nothing is stored", async () => {
  await using worker = await consoleWorker();
  const { url } = worker, cookie = await login(url);
  const rows = [
    ["topic=", "bad_topic"],
    [`topic=${encodeURIComponent(worker.hub)}&priority=5`, "bad_topic"],
    ["topic=a&priority=101", "bad_request"],
    ["topic=a&priority=-1", "bad_request"],
    ["topic=%ff&priority=1", "bad_request"],
    ["x".repeat(17 * 1024), "too_large"],
  ] as const;
  for (const [form, code] of rows) equal(readRefusal(await post(url, "/ring", form, { cookie })).code, code);
  const json = { cookie, headers: { "content-type": "application/json" } };
  equal(readRefusal(await post(url, "/ring", "{}", json)).code, "wrong_type");
  for (const match of ["", "https://*{", "a".repeat(1025)]) {
    const refusal = readRefusal(await ask(url, `/listen?match=${encodeURIComponent(match)}`, { cookie }));
    equal(refusal.code, "bad_matcher");
  }
  const { status } = await ask(url, "/listen?match=*", { cookie, method: "HEAD" });
  equal([status, (await worker.metrics.streamsOpen.get()).values[0]!.value], [200, 0]);
  equal((await worker.metrics.changes.get()).values[0]!.value, 0);
});

Deno.test("console: whatever bytes a form or a cookie holds, nobody is let in and nothing breaks", async () => {
  await using worker = await consoleWorker();
  const { url } = worker,
    bytes = fc.uint8Array({ maxLength: 200 }),
    field = fc.string({ maxLength: 80, unit: "binary" });
  const form = fc.oneof(bytes, field.map((text) => new TextEncoder().encode(`token=${text}`)));
  const cookie = fc.stringMatching(/^[\x21-\x7e]{0,80}$/).map((text) => `carillon_session=${text}`);
  await fc.assert(
    fc.asyncProperty(form, cookie, async (form, cookie) => {
      const { status, headers } = await post(url, "/login", form as Uint8Array<ArrayBuffer>, { cookie });
      ok([400, 401].includes(status) && headers.get("set-cookie") === null, `${status}`);
      equal((await ask(url, "/figures", { cookie })).status, 401);
    }),
    { numRuns: 60 },
  );
});

Deno.test("console: its figures show what was refused and what failed, and no secret", async () => {
  using seen = witness();
  await using worker = await consoleWorker({ env: { CARILLON_PUSH_HOSTS: "127.0.0.1:1" } });
  const { url } = worker, cookie = await login(url);
  for (const secret of [ADMIN_TOKEN, cookie.split("=")[1]!, SECRET_PATH, SECRET_KEY]) seen.keep(secret);
  await (await fetch(`${url}/-/nowhere?${SECRET_PATH}`)).body?.cancel();
  const token = seen.keep(await accessToken(worker, { subscribe: ["*"] }));
  const handed = JSON.stringify({
    transport: "https://www.standardwebhooks.com/",
    endpoint: `https://127.0.0.1:1/${SECRET_PATH}`,
    keys: { secret: `whsec_${SECRET_KEY}` },
    topics: [TOPIC],
  });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const subscribed = await fetch(`${url}/-/subscriptions`, { method: "POST", body: handed, headers });
  equal(subscribed.status, 201, await subscribed.text());
  const html = await figuresUntil(url, cookie, "webhook: retry");
  for (
    const shown of [
      "not_found",
      "/-/nowhere",
      "https://127.0.0.1:1",
      "nothing is at the address: /-/nowhere",
      "The README lists the addresses",
      "there is no connection",
    ]
  ) {
    ok(html.includes(shown), shown);
  }
  seen.hear(html);
  seen.testify();
});

const SECRET_PATH = "the-secret-path-of-an-address", SECRET_KEY = btoa("k".repeat(32));

async function figuresUntil(url: string, cookie: string, shown: string): Promise<string> {
  let html = "";
  await eventually(`the figures show ${shown}`, async () => {
    html = (await ask(url, "/figures", { cookie })).text;
    return html.includes(shown);
  });
  return html;
}

Deno.test("console: where the DAV door has its origin it is off, which the log and the answer say", async () => {
  using seen = witness();
  const upstream = { CARILLON_UPSTREAM: "http://127.0.0.1:1" };
  await using worker = await consoleWorker({ env: upstream });
  const { status, text, headers } = await ask(worker.url, "");
  const { code } = readRefusal({ status, text, headers });
  equal([code, text.includes("set CARILLON_DAV_URL")], ["not_found", true]);
  equal((await post(worker.url, "/login", `token=${ADMIN_TOKEN}`)).status, 404);
  for (const guarded of GUARDED) equal((await call(worker.url, guarded)).status, 404);
  ok(seen.records.some(({ rawMessage }) => `${rawMessage}`.includes("there is no console")));
  await using apart = await consoleWorker({ env: { ...upstream, CARILLON_DAV_URL: "https://dav.example" } });
  equal((await ask(apart.url, "/figures", { cookie: await login(apart.url) })).status, 200);
});
