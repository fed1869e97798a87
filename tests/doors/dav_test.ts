/** The DAV door of a worker: whose a request is, and what its DAV server sees. */
import { COOKIE } from "../../src/access/credentials.ts";
import { equal, ok } from "../helpers/assert.ts";
import { type RawAnswer, rawRequest } from "../helpers/raw_http.ts";
import { fromBytes, serveRaw } from "../helpers/raw_upstream.ts";
import { accessToken, testWorker } from "../helpers/worker.ts";

const OK = "HTTP/1.1 207 Multi-Status\r\nContent-Length: 2\r\n\r\nok";
const DAV_HOST = "dav.example";

const serveDav = () => serveRaw(({ write }) => write(OK));

/** Asks under a host's name. */
function ask(url: string, host: string, request = "GET /"): Promise<RawAnswer> {
  return rawRequest(url, `${request} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
}

Deno.test("dav: under one origin everything that is not ours is the DAV server's", async () => {
  await using upstream = serveDav();
  await using worker = await testWorker({ env: { CARILLON_UPSTREAM: upstream.url.origin } });
  const { host } = new URL(worker.url);
  const theirs = [
    "/",
    "/alice/work/",
    "/-",
    "/-x/",
    "/.well-known/caldav",
    "/.well-known/mercure/x",
    "//-/events",
    "*",
  ];
  for (const path of theirs) equal((await ask(worker.url, host, `OPTIONS ${path}`)).status, 207);
  equal(upstream.requests.map((request) => request.split(" ")[1]), theirs);
  const ours = ["/-/healthy", "/-/ready", "/-/transports", "/-/nothing", "/.well-known/mercure?topic=a"];
  for (const path of ours) ok((await ask(worker.url, host, `GET ${path}`)).status !== 207, path);
  equal((await ask(worker.url, host, `GET ${worker.url}/-/healthy`)).status, 200);
  equal(upstream.requests.length, theirs.length);
});

Deno.test("dav: on a host of its own everything is the DAV server's, and nothing elsewhere", async () => {
  await using upstream = serveDav();
  const env = { CARILLON_UPSTREAM: upstream.url.origin, CARILLON_DAV_URL: `https://${DAV_HOST}` };
  await using worker = await testWorker({ env });
  const { host } = new URL(worker.url);
  for (const path of ["/", "/-/healthy", "/.well-known/mercure"]) {
    equal((await ask(worker.url, DAV_HOST.toUpperCase(), `GET ${path}`)).status, 207);
  }
  equal(upstream.requests.length, 3);
  equal((await ask(worker.url, host, "GET /-/healthy")).status, 200);
  for (const other of [host, "elsewhere.example", ""]) equal((await ask(worker.url, other)).status, 404);
  equal(upstream.requests.length, 3);
});

Deno.test("dav: without an upstream there is no such door", async () => {
  await using worker = await testWorker();
  equal((await ask(worker.url, new URL(worker.url).host)).status, 404);
});

Deno.test("dav: a DAV server that is not there is 502, in our own words, and our doors go on", async () => {
  const upstream = serveDav();
  await upstream[Symbol.asyncDispose]();
  await using worker = await testWorker({ env: { CARILLON_UPSTREAM: upstream.url.origin } });
  const { status, headers, body } = await ask(worker.url, new URL(worker.url).host);
  equal([status, headers.get("retry-after"), JSON.parse(body).code], [502, "5", "upstream_down"]);
  equal((await ask(worker.url, new URL(worker.url).host, "GET /-/healthy")).status, 200);
});

Deno.test("dav: a client of ours that waits for 100 gets it, as before", async () => {
  await using upstream = serveDav();
  await using worker = await testWorker({ env: { CARILLON_UPSTREAM: upstream.url.origin } });
  const head = `POST /-/events HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n`;
  equal((await rawRequest(worker.url, head)).status, 100);
});

Deno.test("dav: a cookie counts on a host of its own alone: a page of the DAV server could use it", async () => {
  await using upstream = serveDav();
  for (const [more, status] of [[{}, 401], [{ CARILLON_DAV_URL: `https://${DAV_HOST}` }, 200]] as const) {
    await using worker = await testWorker({ env: { CARILLON_UPSTREAM: upstream.url.origin, ...more } });
    const cookie = `__Secure-mercure_access_token=${await accessToken(worker, { subscribe: ["*"] })}`;
    const answer = await fetch(`${worker.url}/-/subscriptions`, { headers: { cookie } });
    await answer.body?.cancel();
    equal(answer.status, status);
  }
});

Deno.test("dav: a registration is asked of the upstream by its path, whatever form its target has", async () => {
  await using upstream = serveRaw(({ write }) =>
    write("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
  );
  await using worker = await testWorker({ env: { CARILLON_UPSTREAM: upstream.url.origin } });
  const { host, origin } = new URL(worker.url);
  const document = await Deno.readTextFile(new URL("../fixtures/webdav-push/davx5-next-register.xml", import.meta.url));
  const head =
    `POST ${origin}/a%20b/ HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/xml\r\nContent-Length: ${document.length}\r\n\r\n`;
  const { status, headers } = await rawRequest(worker.url, head + document);
  equal([status, headers.get("www-authenticate")], [401, "Basic"]);
  equal(upstream.requests.map((request) => request.split(" ").slice(0, 2)), [["PROPFIND", "/a%20b/"]]);
});

const PUSH = "https://bitfire.at/webdav-push";
const REGISTER = Deno.readTextFileSync(new URL("../fixtures/webdav-push/davx5-next-register.xml", import.meta.url))
  .replace(/https:\/\/up\.example\.net/, "https://fcm.googleapis.com");
const FIND = `<propfind xmlns="DAV:"><prop><topic xmlns="${PUSH}"/></prop></propfind>`;
const FOUND =
  `<multistatus xmlns="DAV:"><response><href>/work/</href><propstat><prop><resourcetype><C:calendar xmlns:C="urn:ietf:params:xml:ns:caldav"/></resourcetype><current-user-principal><href>/alice/</href></current-user-principal></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>`;

Deno.test("dav: a multistatus is read whatever way its type says that it is UTF-8, and no other", async () => {
  let type = "";
  await using upstream = serveRaw(({ write }) =>
    write(`HTTP/1.1 207 Multi-Status\r\nContent-Type: ${type}\r\nContent-Length: ${FOUND.length}\r\n\r\n${FOUND}`)
  );
  await using worker = await testWorker({ env: { CARILLON_UPSTREAM: upstream.url.origin } });
  const find = async (): Promise<string> => {
    const headers = { depth: "0", "content-type": "application/xml" };
    return await (await fetch(`${worker.url}/work/`, { method: "PROPFIND", body: FIND, headers })).text();
  };
  for (
    type of [
      "text/xml",
      "application/xml",
      'text/xml; charset="utf-8"',
      "application/xml;charset=UTF-8",
      "Text/XML; Charset=utf-8",
    ]
  ) {
    const text = await find();
    ok(/<P:topic xmlns:P="[^"]*">[\w-]{22}</.test(text) && !text.includes("resourcetype"), `${type}: ${text}`);
  }
  for (type of ["text/xml; charset=iso-8859-1", 'text/xml; charset="utf-16"', "text/plain", "application/json"]) {
    equal(await find(), FOUND, type);
  }
});

Deno.test("dav: nobody is led past the door by another way to the upstream", async () => {
  await using upstream = serveRaw(({ write }) =>
    write(`HTTP/1.1 200 OK\r\nAlt-Svc: h2c=":8080"\r\nContent-Length: 0\r\n\r\n`)
  );
  await using worker = await testWorker({ env: { CARILLON_UPSTREAM: upstream.url.origin } });
  equal((await ask(worker.url, new URL(worker.url).host)).headers.get("alt-svc"), null);
});

Deno.test("dav: a PROPFIND that is no plain XML goes to the upstream as it is, and costs us nothing to speak of", async () => {
  await using upstream = serveDav();
  await using worker = await testWorker({ env: { CARILLON_UPSTREAM: upstream.url.origin } });
  const nested = "<a>".repeat(21_000);
  const bodies = [
    `<!DOCTYPE a [<!ENTITY b "c">]>${FIND}`,
    `<!DOCTYPE a [<!ENTITY x0 "lol"><!ENTITY x1 "&x0;&x0;">]><propfind xmlns="DAV:"><prop><topic xmlns="${PUSH}">&x1;</topic></prop></propfind>`,
    nested,
    `<propfind xmlns="DAV:"><prop>${nested}`,
    FIND.slice(0, 40),
    "",
    " ",
    "\xff\xfe<\0p\0",
    FIND.replace("/></prop>", ">&undefined;</topic></prop>"),
  ];
  const started = performance.now();
  for (const [n, body] of bodies.entries()) {
    const headers = { depth: "0", "content-type": "application/xml" };
    equal(await (await fetch(`${worker.url}/`, { method: "PROPFIND", body, headers })).text(), "ok");
    ok(
      upstream.requests[n]!.endsWith(`\r\n\r\n${fromBytes(new TextEncoder().encode(body))}`),
      body.slice(0, 50),
    );
  }
  ok(performance.now() - started < 2_000, "it took long");
});

Deno.test("dav: who signs in by Digest is offered no push, and told so", async () => {
  await using upstream = serveRaw(({ write }) =>
    write(`HTTP/1.1 207 Multi-Status\r\nContent-Type: text/xml\r\nContent-Length: ${FOUND.length}\r\n\r\n${FOUND}`)
  );
  await using worker = await testWorker({ env: { CARILLON_UPSTREAM: upstream.url.origin } });
  const headers = {
    depth: "0",
    "content-type": "application/xml",
    authorization: 'Digest username="alice", nonce="1"',
  };
  equal(await (await fetch(`${worker.url}/work/`, { method: "PROPFIND", body: FIND, headers })).text(), FOUND);
  const answer = await fetch(`${worker.url}/work/`, { method: "POST", body: REGISTER, headers });
  equal([answer.status, (await answer.text()).includes("push-not-available")], [403, true]);
  // Before that the client is told how to sign in, by the upstream itself.
  equal(upstream.requests.filter((request) => request.startsWith("POST")).length, 0);
  equal(upstream.requests.length, 1);
});

Deno.test("dav: an upstream that answers no XML, or nothing whole, makes a registration 502, and nothing is stored", async () => {
  let given = "";
  await using upstream = serveRaw(async ({ write, close }) => {
    await write(given);
    close();
  });
  await using worker = await testWorker({ env: { CARILLON_UPSTREAM: upstream.url.origin } });
  const head = "HTTP/1.1 207 Multi-Status\r\nContent-Type: text/xml\r\n";
  for (
    given of [
      `${head}Content-Length: 5\r\n\r\n<a><b`,
      `${head}Content-Length: ${FOUND.length}\r\n\r\n${FOUND.slice(0, 100)}`,
      `${head}Content-Length: ${FOUND.length + 30}\r\n\r\n<!DOCTYPE a [<!ENTITY b "c">]>${FOUND}`,
      `${head}Content-Length: 300000\r\n\r\n${"x".repeat(300_000)}`,
      "nonsense\r\n\r\n",
    ]
  ) {
    const headers = { "content-type": "application/xml" };
    const answer = await fetch(`${worker.url}/work/`, { method: "POST", body: REGISTER, headers });
    equal(
      [answer.status, answer.headers.get("retry-after"), (await answer.json()).code],
      [502, "5", "upstream_down"],
      given.slice(0, 90),
    );
  }
  equal(await Array.fromAsync(worker.kv.list({ prefix: ["subscription"] })), []);
});

Deno.test("dav: a server that has WebDAV-Push itself is left alone, its properties and its registrations", async () => {
  const theirs = FOUND.replace("</prop>", `<P:transports xmlns:P="${PUSH}"><P:web-push/></P:transports></prop>`);
  await using upstream = serveRaw(({ request, write }) => {
    if (request.startsWith("POST")) {
      return write("HTTP/1.1 201 Created\r\nLocation: /their/own\r\nContent-Length: 0\r\n\r\n");
    }
    return write(
      `HTTP/1.1 207 Multi-Status\r\nContent-Type: text/xml\r\nContent-Length: ${theirs.length}\r\n\r\n${theirs}`,
    );
  });
  await using worker = await testWorker({ env: { CARILLON_UPSTREAM: upstream.url.origin } });
  const headers = { depth: "0", "content-type": "application/xml" };
  const body = FIND.replace("<topic", `<resourcetype/><current-user-principal/><transports xmlns="${PUSH}"/><topic`);
  equal(await (await fetch(`${worker.url}/work/`, { method: "PROPFIND", body, headers })).text(), theirs);
  const answer = await fetch(`${worker.url}/work/`, { method: "POST", body: REGISTER, headers });
  equal([answer.status, answer.headers.get("location"), await answer.text()], [201, "/their/own", ""]);
});

Deno.test("dav: who is asked about is asked with every cookie of the client, and none of ours", async () => {
  await using upstream = serveRaw(({ write }) =>
    write(`HTTP/1.1 207 Multi-Status\r\nContent-Type: text/xml\r\nContent-Length: ${FOUND.length}\r\n\r\n${FOUND}`)
  );
  await using worker = await testWorker({ env: { CARILLON_UPSTREAM: upstream.url.origin } });
  const { host } = new URL(worker.url);
  for (
    const [lines, expected] of [
      ["Cookie: a=1\r\nCookie: b=2\r\n", "a=1; b=2"],
      [`Cookie: a=1; ${COOKIE}=token; b=2\r\n`, "a=1; b=2"],
      [`Cookie: ${COOKIE}=token\r\n`, undefined],
      ["Cookie: __Host-carillon_session=a; carillon_session=b; c=3\r\n", "c=3"],
      ["", undefined],
    ] as const
  ) {
    const before = upstream.requests.length;
    const head = `POST /work/ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Type: application/xml\r\n`;
    await rawRequest(worker.url, `${head}${lines}Content-Length: ${REGISTER.length}\r\n\r\n${REGISTER}`);
    const asked = upstream.requests.slice(before).map((request) => /^cookie: (.*)\r$/im.exec(request)?.[1]);
    ok(asked.length > 0 && asked.every((cookie) => cookie === expected), JSON.stringify(asked));
  }
});

Deno.test("dav: a registration over 64 KB is 413 before it is sent, and ends the connection; other bodies have no limit", async () => {
  await using upstream = serveDav();
  await using worker = await testWorker({ env: { CARILLON_UPSTREAM: upstream.url.origin } });
  const head = (path: string, length: number) =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/xml\r\nContent-Length: ${length}\r\n\r\n`;
  const refused = await rawRequest(worker.url, head("/-/registrations", 64 * 1024 + 1));
  equal([refused.status, JSON.parse(refused.body).code, refused.closed], [413, "too_large", true]);
  equal(upstream.requests, []);
  const body = "x".repeat(64 * 1024 + 1);
  equal((await rawRequest(worker.url, head("/alice/work/", body.length), body)).status, 207);
});
