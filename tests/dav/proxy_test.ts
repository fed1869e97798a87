/** The proxy, byte for byte, between bare connections. */
import fc from "fast-check";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createProxy, type Refusal } from "../../src/dav/proxy.ts";
import { createUpstream } from "../../src/dav/upstream.ts";
import { equal, ok } from "../helpers/assert.ts";
import { fromBytes, type Script, serveRaw, toBytes } from "../helpers/raw_upstream.ts";

const HOST = "Host: dav.example\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** The proxy before an upstream that a test plays. */
async function openProxy(origin: URL, connections?: number) {
  const refused: string[] = [];
  const refuse = (outgoing: ServerResponse, code: Refusal) => {
    refused.push(code);
    outgoing.writeHead(502, { "content-length": "0", "retry-after": "5" }).end();
  };
  const upstream = createUpstream(origin, connections);
  const proxy = createProxy({ upstream, publicUrl: new URL("https://dav.example"), refuse });
  const server = createServer({ requestTimeout: 0, maxHeaderSize: 65_536 });
  server.on("request", (incoming, outgoing) => proxy.handle(incoming, outgoing, false));
  server.on("checkContinue", (incoming, outgoing) => proxy.handle(incoming, outgoing, true));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    refused,
    [Symbol.asyncDispose]: async () => {
      upstream.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A client that says what it is told to. `until` reads on until the text is there, or the proxy closes. */
async function connect(port: number) {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const buffer = new Uint8Array(65_536);
  let heard = "", closed = false;
  async function until(isThere: (heard: string) => boolean): Promise<string> {
    while (!closed && !isThere(heard)) {
      const read = await connection.read(buffer).catch(() => null);
      closed = read === null;
      if (read !== null) heard += fromBytes(buffer.subarray(0, read));
    }
    return heard;
  }
  const say = async (text: string) => {
    const bytes = toBytes(text);
    for (let sent = 0; sent < bytes.byteLength;) sent += await connection.write(bytes.subarray(sent));
  };
  return { say, until, isClosed: () => closed, [Symbol.dispose]: () => connection.close() };
}

/** Asks through the proxy; answers what the upstream got, and what came back. */
async function pass(request: string, answer: string): Promise<{ got: string | undefined; back: string }> {
  await using upstream = serveRaw(async ({ write, close }) => {
    await write(answer);
    close();
  });
  await using proxy = await openProxy(upstream.url);
  using client = await connect(proxy.port);
  await client.say(request);
  const back = await client.until(isWhole);
  return { got: upstream.requests[0] && withoutHop(upstream.requests[0]), back: withoutHop(back) };
}

/** Interim answers aside, which the tests of `Expect` look at. */
function isWhole(heard: string): boolean {
  const head = heard.indexOf("\r\n\r\n");
  if (head < 0) return false;
  const [, length] = /\r\ncontent-length: (\d+)/i.exec(heard) ?? [];
  if (/ 304 /.test(heard.slice(0, 13))) return true;
  if (/\r\ntransfer-encoding: chunked/i.test(heard)) return heard.endsWith("0\r\n\r\n");
  return length !== undefined && heard.length >= head + 4 + Number(length);
}

/** Without what speaks of one connection alone, and what a proxy tells of the client. */
function withoutHop(message: string): string {
  const [head = "", ...body] = message.split("\r\n\r\n");
  const own = /^(?:connection|keep-alive|x-forwarded-(?:for|host|proto)):/i;
  return [head.split("\r\n").filter((line) => !own.test(line)).join("\r\n"), ...body].join("\r\n\r\n");
}

/** They arrive as they were sent. */
const REQUESTS: Record<string, string> = {
  "escapes, dots, double slashes, parameters and a query":
    `GET /a%2Fb%c3%A9/../%2e%2e//c;x=1/d%20e?q=%2f&&b HTTP/1.1\r\n${HOST}\r\n`,
  "characters that no URL has": `GET /a"b{c}|d\\e^f\`g<h> HTTP/1.1\r\n${HOST}\r\n`,
  "a fragment, which must not be cut off": `DELETE /x/#y HTTP/1.1\r\n${HOST}\r\n`,
  "all of the server": `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`,
  "names in their case, lines of one name apart":
    `GET / HTTP/1.1\r\n${HOST}X-lOw: a\r\nx-Two: 1\r\nx-Two: 2, 3\r\nIf: (<urn:a> ["b"])\r\n\r\n`,
  "bytes beyond ASCII": `GET / HTTP/1.1\r\n${HOST}X-Name: J\xfcrgen \xe2\x82\xac\r\n\r\n`,
  "an empty field, and blanks inside": `GET / HTTP/1.1\r\n${HOST}X-Empty: \r\nX-Blanks: a  b\tc\r\n\r\n`,
  "two hundred fields": `GET / HTTP/1.1\r\n${HOST}${
    Array.from({ length: 200 }, (_, n) => `X-${n}: ${n}\r\n`).join("")
  }\r\n`,
  "what the client accepts":
    `GET / HTTP/1.1\r\n${HOST}Accept-Encoding: gzip;q=0.5, br\r\nAccept: */*\r\nUser-Agent: x/1\r\n\r\n`,
  "a PROPFIND without a body": `PROPFIND / HTTP/1.1\r\n${HOST}Depth: 1\r\n\r\n`,
  "a PROPFIND with a body": `PROPFIND / HTTP/1.1\r\n${HOST}Depth: 0\r\nContent-Length: 11\r\n\r\n<propfind/>`,
  "a length of nothing": `PUT /x HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`,
  "a PUT with its conditions":
    `PUT /x.ics HTTP/1.1\r\n${HOST}If-None-Match: *\r\nIf-Schedule-Tag-Match: "a"\r\nContent-Length: 4\r\n\r\n\x00\xff\r\n`,
  "a body in chunks": `PUT /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
  "a GET with a body": `GET / HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`,
  "a method of DAV": `MKCALENDAR /x/ HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`,
  "a MOVE and where it leads":
    `MOVE /x HTTP/1.1\r\n${HOST}Destination: https://dav.example/y%20z\r\nOverwrite: F\r\n\r\n`,
  "a lock and its token": `UNLOCK /x HTTP/1.1\r\n${HOST}Lock-Token: <opaquelocktoken:a>\r\n\r\n`,
  "credentials and cookies": `GET / HTTP/1.1\r\n${HOST}Authorization: Digest a="b", c=d\r\nCookie: a=b; c=d\r\n\r\n`,
};

for (const [what, request] of Object.entries(REQUESTS)) {
  Deno.test(`proxy: to the upstream: ${what}`, async () => {
    const { got, back } = await pass(request, OK);
    // HTTP allows any order of names, not of lines; node:http writes the framing last.
    equal(sorted(got), sorted(request));
    equal(back, OK);
  });
}

function sorted(message = ""): string[] {
  const [head = "", ...body] = message.split("\r\n\r\n");
  const [line, ...fields] = head.split("\r\n");
  return [line!, ...fields.toSorted(), body.join("\r\n\r\n")];
}

/** They come back as they were sent. */
const ANSWERS: Record<string, string> = {
  "a body with a length": OK,
  "a reason of its own": "HTTP/1.1 207 Viele Antworten\r\nContent-Length: 0\r\n\r\n",
  "no reason": "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n",
  "lines of one name apart":
    'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic a="b"\r\nWWW-Authenticate: Digest c\r\nDAV: 1, 2\r\nDAV: 3\r\nContent-Length: 0\r\n\r\n',
  "cookies": "HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nSet-Cookie: c=d\r\nContent-Length: 0\r\n\r\n",
  "bytes beyond ASCII": "HTTP/1.1 200 OK\r\nX-Name: J\xfcrgen \xe2\x82\xac\r\nContent-Length: 2\r\n\r\n\xff\x00",
  "a compressed body, still compressed":
    'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nETag: "a-gzip"\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00',
  "chunks": "HTTP/1.1 207 Multi-Status\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  "nothing has changed, and the length of what has not":
    'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 10\r\n\r\n',
  "its own date and server":
    "HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2001 00:00:00 GMT\r\nServer: x\r\nContent-Length: 0\r\n\r\n",
  "no date": "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  "an error": "HTTP/1.1 500 Oh\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\n<p>",
};

for (const [what, answer] of Object.entries(ANSWERS)) {
  Deno.test(`proxy: to the client: ${what}`, async () => {
    const { back } = await pass(`GET / HTTP/1.1\r\n${HOST}\r\n`, answer);
    equal(sorted(back), sorted(answer));
  });
}

Deno.test("proxy: HEAD keeps the length of what it does not bring", async () => {
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nETag: "a"\r\n\r\n';
  await using upstream = serveRaw(({ write }) => write(answer));
  await using proxy = await openProxy(upstream.url);
  using client = await connect(proxy.port);
  await client.say(`HEAD / HTTP/1.1\r\n${HOST}\r\n`);
  equal(withoutHop(await client.until((heard) => heard.endsWith("\r\n\r\n"))), answer);
});

Deno.test("proxy: an answer that ends with its connection has an end for the client too", async () => {
  const { back } = await pass(`GET / HTTP/1.1\r\n${HOST}\r\n`, "HTTP/1.0 200 OK\r\nX: y\r\n\r\nuntil it closes");
  ok(back.endsWith("\r\n\r\nf\r\nuntil it closes\r\n0\r\n\r\n"), back);
});

Deno.test("proxy: the absolute form is asked for by its path", async () => {
  const { got } = await pass(`GET http://dav.example/a%2F?b HTTP/1.1\r\n${HOST}\r\n`, OK);
  ok(got!.startsWith("GET /a%2F?b HTTP/1.1\r\n"));
});

Deno.test("proxy: what speaks of one connection stays there, what Connection names as well", async () => {
  const request =
    `GET / HTTP/1.1\r\n${HOST}Connection: X-Hop, keep-alive\r\nX-Hop: a\r\nKeep-Alive: 5\r\nTE: trailers\r\nX-End: b\r\n\r\n`;
  const answer = "HTTP/1.1 200 OK\r\nConnection: close, X-Back\r\nX-Back: a\r\nX-End: c\r\nContent-Length: 0\r\n\r\n";
  const { got, back } = await pass(request, answer);
  equal(sorted(got), sorted(`GET / HTTP/1.1\r\n${HOST}X-End: b\r\n\r\n`));
  equal(sorted(back), sorted("HTTP/1.1 200 OK\r\nX-End: c\r\nContent-Length: 0\r\n\r\n"));
});

Deno.test("proxy: the upstream is told who asked, and nobody else tells it where", async () => {
  await using upstream = serveRaw(({ write }) => write(OK));
  await using proxy = await openProxy(upstream.url);
  using client = await connect(proxy.port);
  await client.say(`GET / HTTP/1.1\r\n${HOST}X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Host: evil.example\r\n\r\n`);
  await client.until(isWhole);
  const told = upstream.requests[0]!.split("\r\n").filter((line) => line.startsWith("X-Forwarded-"));
  equal(told, ["X-Forwarded-For: 192.0.2.1, 127.0.0.1", "X-Forwarded-Host: dav.example", "X-Forwarded-Proto: https"]);
});

Deno.test("proxy: our own cookie stays here, the others go on as they are", async () => {
  const cases = {
    "__Secure-mercure_access_token=a.b.c": undefined,
    "a=b; __Secure-mercure_access_token=a.b.c; c=d": "Cookie: a=b; c=d",
    "a=b;c=d": "Cookie: a=b;c=d",
  };
  for (const [cookie, line] of Object.entries(cases)) {
    const { got } = await pass(`GET / HTTP/1.1\r\n${HOST}Cookie: ${cookie}\r\n\r\n`, OK);
    equal(got!.split("\r\n").find((line) => line.startsWith("Cookie:")), line);
  }
});

/** Requests that two servers could read differently (RFC 9112 11.2). */
const SMUGGLED: Record<string, string> = {
  "both lengths": `PUT / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  "two lengths": `PUT / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`,
  "a length that is no number": `PUT / HTTP/1.1\r\n${HOST}Content-Length: +3\r\n\r\nabc`,
  "another coding": `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  "a blank before the colon": `PUT / HTTP/1.1\r\n${HOST}Content-Length : 3\r\n\r\nabc`,
  "a folded line": `GET / HTTP/1.1\r\n${HOST}X-A: b\r\n c: d\r\n\r\n`,
  "a bare line feed": `GET / HTTP/1.1\r\n${HOST}X-A: b\nX-C: d\r\n\r\n`,
};

for (const [what, request] of Object.entries(SMUGGLED)) {
  Deno.test(`proxy: ${what} is 400, and reaches nobody`, async () => {
    await using upstream = serveRaw(({ write }) => write(OK));
    await using proxy = await openProxy(upstream.url);
    using client = await connect(proxy.port);
    await client.say(request);
    ok((await client.until(() => false)).startsWith("HTTP/1.1 400 "));
    equal(upstream.requests, []);
  });
}

Deno.test("proxy: chunks that are none end the request there too", async () => {
  const reached = Promise.withResolvers<void>();
  await using upstream = serveRaw(async ({ closed }) => (await closed, reached.resolve()), { early: true });
  await using proxy = await openProxy(upstream.url);
  using client = await connect(proxy.port);
  await client.say(`PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n`);
  ok((await client.until(() => false)).startsWith("HTTP/1.1 400 "));
});

Deno.test("proxy: who waits for 100 gets it from the upstream, and then sends", async () => {
  const script: Script = async ({ write, request }) => {
    if (!request.endsWith("abc")) await write("HTTP/1.1 100 Continue\r\n\r\n");
  };
  let isAnswered = false;
  await using upstream = serveRaw(async (exchange) => {
    await script(exchange);
    void (async () => {
      while (!exchange.request.endsWith("abc")) await new Promise((resolve) => setTimeout(resolve));
      isAnswered = true;
      await exchange.write(OK);
    })();
  }, { early: true });
  await using proxy = await openProxy(upstream.url);
  using client = await connect(proxy.port);
  await client.say(`PUT / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`);
  equal(await client.until((heard) => heard.endsWith("\r\n\r\n")), "HTTP/1.1 100 Continue\r\n\r\n");
  equal(isAnswered, false);
  await client.say("abc");
  ok((await client.until((heard) => heard.endsWith("ok"))).includes("HTTP/1.1 200 OK"));
});

Deno.test("proxy: who waits for 100 and is refused never sends", async () => {
  await using upstream = serveRaw(({ write }) => write("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"), {
    early: true,
  });
  await using proxy = await openProxy(upstream.url);
  using client = await connect(proxy.port);
  await client.say(`PUT / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`);
  ok((await client.until(isWhole)).startsWith("HTTP/1.1 401 No\r\n"));
});

Deno.test("proxy: an answer before the body was read is there, and the client may send on", async () => {
  await using upstream = serveRaw(({ write }) => write("HTTP/1.1 413 Much\r\nContent-Length: 0\r\n\r\n"), {
    early: true,
  });
  await using proxy = await openProxy(upstream.url);
  using client = await connect(proxy.port);
  await client.say(`PUT / HTTP/1.1\r\n${HOST}Content-Length: 1000000\r\n\r\n${"x".repeat(1_000)}`);
  ok((await client.until(isWhole)).startsWith("HTTP/1.1 413 Much\r\n"));
  await client.say("x".repeat(999_000));
  await client.say(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  ok((await client.until((heard) => heard.split("HTTP/1.1").length === 3)).includes("413"));
});

Deno.test("proxy: connections are kept for what may be asked twice, and what writes gets a new one", async () => {
  await using upstream = serveRaw(({ write }) => write(OK));
  await using proxy = await openProxy(upstream.url);
  using client = await connect(proxy.port);
  const ask = async (request: string, count: number) => {
    await client.say(request);
    await client.until((heard) => heard.split("HTTP/1.1 200").length === count + 1);
  };
  await ask(`PROPFIND / HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\na`, 1);
  await ask(`REPORT / HTTP/1.1\r\n${HOST}\r\n`, 2);
  equal(upstream.connections(), 1);
  await ask(`PUT / HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\na`, 3);
  await ask(`POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\na`, 4);
  equal(upstream.connections(), 3);
});

Deno.test("proxy: a kept connection that died is replaced without the client's knowledge, once", async () => {
  let dies = 0;
  await using upstream = serveRaw(async ({ write, close }) => dies-- > 0 ? close() : await write(OK));
  await using proxy = await openProxy(upstream.url);
  using client = await connect(proxy.port);
  const request = `PROPFIND / HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`;
  await client.say(request);
  await client.until(isWhole);
  dies = 1;
  await client.say(request);
  await client.until((heard) => heard.split("HTTP/1.1 200").length === 3);
  equal([upstream.requests.length, new Set(upstream.requests.map(withoutHop)).size], [3, 1]);
  // A new connection that dies was alive: the upstream may have done what it was asked for.
  dies = 1;
  await client.say(request);
  ok((await client.until((heard) => heard.includes("HTTP/1.1 502"))).includes("retry-after: 5"));
  equal(upstream.requests.length, 4);
});

Deno.test("proxy: what writes is never sent twice, however its connection ends", async () => {
  await using upstream = serveRaw(({ close }) => close());
  await using proxy = await openProxy(upstream.url);
  for (const method of ["PUT", "POST", "DELETE", "MOVE", "PROPPATCH"]) {
    using client = await connect(proxy.port);
    await client.say(`${method} /x HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`);
    ok((await client.until(isWhole)).startsWith("HTTP/1.1 502 "));
  }
  equal([upstream.requests.length, proxy.refused.length], [5, 5]);
});

Deno.test("proxy: an upstream that is not there is 502, with when to come again", async () => {
  const gone = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  gone.close();
  await using proxy = await openProxy(new URL(`http://127.0.0.1:${gone.addr.port}`));
  for (const request of [`GET / HTTP/1.1\r\n${HOST}\r\n`, `PUT / HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`]) {
    using client = await connect(proxy.port);
    await client.say(request);
    ok((await client.until(isWhole)).startsWith("HTTP/1.1 502 "));
  }
});

for (
  const [framing, begun] of [["a length", "Content-Length: 100\r\n\r\nhalf"], [
    "chunks",
    "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
  ]]
) {
  Deno.test(`proxy: an answer with ${framing} that is cut off is cut off for the client too`, async () => {
    await using upstream = serveRaw(async ({ write, close }) => {
      await write(`HTTP/1.1 200 OK\r\n${begun}`);
      close();
    });
    await using proxy = await openProxy(upstream.url);
    using client = await connect(proxy.port);
    await client.say(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    const back = await client.until(() => false);
    ok(back.includes("half") && !back.includes("0\r\n\r\n") && client.isClosed());
  });
}

for (const [when, answered] of [["before the answer", false], ["in the middle of the answer", true]] as const) {
  Deno.test(`proxy: a client that goes ${when} ends the upstream's work`, async () => {
    const ended = Promise.withResolvers<void>();
    await using upstream = serveRaw(({ write, closed }) => {
      void closed.then(ended.resolve);
      if (answered) return write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    });
    await using proxy = await openProxy(upstream.url);
    {
      using client = await connect(proxy.port);
      await client.say(`GET / HTTP/1.1\r\n${HOST}\r\n`);
      if (answered) await client.until((heard) => heard.endsWith("half"));
      else while (upstream.requests.length === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    await ended.promise;
  });
}

Deno.test("proxy: a client that goes in the middle of its body leaves the upstream an unfinished request", async () => {
  const ended = Promise.withResolvers<string>();
  await using upstream = serveRaw((exchange) => void exchange.closed.then(() => ended.resolve(exchange.request)), {
    early: true,
  });
  await using proxy = await openProxy(upstream.url);
  {
    using client = await connect(proxy.port);
    await client.say(`PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`);
    while (upstream.requests.length === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  ok(!(await ended.promise).includes("0\r\n\r\n"));
});

for (const direction of ["up", "down"] as const) {
  Deno.test(`proxy: a gigabyte goes ${direction} through memory that does not grow with it`, async () => {
    const script = new URL("../helpers/proxy_memory.ts", import.meta.url).pathname;
    // In a process of its own: the memory of this one is that of other tests as well.
    const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", script, direction], stderr: "inherit" });
    const { got, most } = JSON.parse(new TextDecoder().decode((await command.output()).stdout));
    equal(got, 1024 * 1024 * 1024);
    // What the collector has not looked at yet, of all three parties.
    ok(most < 768 * 1024 * 1024, `${most}`);
  });
}

Deno.test("proxy: any path, fields and body arrive as they were sent", async () => {
  await using upstream = serveRaw(({ write }) => write(OK));
  await using proxy = await openProxy(upstream.url);
  const character = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code));
  const path = fc.array(character, { maxLength: 40 }).map((parts) => `/${parts.join("")}`);
  const name = fc.stringMatching(/^[Xx]-[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}$/).filter((name) =>
    !/^x-forwarded/i.test(name)
  );
  const value = fc.array(fc.oneof(character, fc.constant("\xe9")), { minLength: 1, maxLength: 30 }).map((parts) =>
    parts.join("")
  );
  const fields = fc.uniqueArray(fc.tuple(name, value), { maxLength: 10, selector: ([name]) => name.toLowerCase() });
  const method = fc.constantFrom("PUT", "PROPFIND", "POST", "REPORT", "LOCK");
  await fc.assert(
    fc.asyncProperty(method, path, fields, fc.uint8Array({ maxLength: 500 }), async (method, path, fields, bytes) => {
      const body = fromBytes(bytes);
      const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
      const request = `${method} ${path} HTTP/1.1\r\n${HOST}${lines}Content-Length: ${body.length}\r\n\r\n${body}`;
      using client = await connect(proxy.port);
      await client.say(request);
      await client.until(isWhole);
      equal(sorted(withoutHop(upstream.requests.at(-1)!)), sorted(request));
    }),
    { numRuns: 200 },
  );
});

Deno.test("proxy: a server that knows its own address alone leads nobody past us", async () => {
  let location = "";
  await using upstream = serveRaw(({ write }) =>
    write(`HTTP/1.1 201 Created\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`)
  );
  await using proxy = await openProxy(upstream.url);
  const { origin } = upstream.url;
  const cases = [
    [`${origin}/a/b%20c`, "https://dav.example/a/b%20c"],
    ["/a/", "/a/"],
    ["http://dav.example/a/", "https://dav.example/a/"],
    [`${origin}5/a`, `${origin}5/a`],
    ["https://elsewhere.example/", "https://elsewhere.example/"],
  ];
  for (const [given, expected] of cases) {
    location = given!;
    using client = await connect(proxy.port);
    await client.say(`MKCOL /a HTTP/1.1\r\n${HOST}\r\n`);
    ok((await client.until(isWhole)).includes(`Location: ${expected}\r\n`), given);
  }
});

Deno.test("proxy: the upstream is asked no more at once than it may be, and who has gone takes no turn", async () => {
  const answers: (() => void)[] = [];
  let most = 0, open = 0, waited = Promise.withResolvers<void>();
  await using upstream = serveRaw(async ({ write }) => {
    most = Math.max(most, ++open);
    const answered = Promise.withResolvers<void>();
    answers.push(answered.resolve);
    waited.resolve();
    await answered.promise;
    open--;
    await write(OK);
  });
  await using proxy = await openProxy(upstream.url, 2);
  const clients = await Promise.all(Array.from({ length: 6 }, () => connect(proxy.port)));
  const say = (n: number) =>
    clients[n]!.say(
      n % 2 ? `GET /${n} HTTP/1.1\r\n${HOST}\r\n` : `PUT /${n} HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\nx`,
    );
  for (let n = 0; n < 6; n++) await say(n);
  clients[4]![Symbol.dispose]();
  for (let done = 0; done < 5; done++) {
    while (answers.length === 0) await (waited = Promise.withResolvers()).promise;
    answers.shift()!();
    if (upstream.requests.length >= 5) break;
  }
  while (answers.length > 0) answers.shift()!();
  for (const n of [0, 1, 2, 3, 5]) {
    const heard = clients[n]!.until(isWhole);
    while (answers.length > 0) answers.shift()!();
    await heard;
  }
  equal([most, upstream.requests.some((request) => request.startsWith("PUT /4 "))], [2, false]);
  for (const n of [0, 1, 2, 3, 5]) clients[n]![Symbol.dispose]();
});

Deno.test("proxy: nobody takes the length from a body by naming it in Connection: it would be another request", async () => {
  await using upstream = serveRaw(({ write }) => write(OK));
  await using proxy = await openProxy(upstream.url);
  const inner = `GET /evil HTTP/1.1\r\nHost: dav.example\r\n\r\n`;
  for (const method of ["GET", "PROPFIND", "PUT"]) {
    using client = await connect(proxy.port);
    await client.say(
      `${method} /x HTTP/1.1\r\n${HOST}Connection: content-length, host\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
    );
    await client.until(isWhole);
  }
  equal(upstream.requests.map((request) => request.split(" ")[1]), ["/x", "/x", "/x"]);
  ok(upstream.requests.every((request) => request.endsWith(`\r\n\r\n${inner}`) && request.includes(HOST)));
});

Deno.test("proxy: a coding that would be lost on the way is 501, and reaches nobody", async () => {
  await using upstream = serveRaw(({ write }) => write(OK));
  await using proxy = await openProxy(upstream.url);
  using client = await connect(proxy.port);
  await client.say(`PUT /x HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`);
  await client.until(isWhole);
  equal([proxy.refused, upstream.requests], [["unknown_coding"], []]);
});

Deno.test("proxy: an answer that is none, or wants to speak something else, is the upstream's fault, and the process lives", async () => {
  let given = "";
  await using upstream = serveRaw(async ({ write, close }) => {
    await write(given);
    close();
  });
  await using proxy = await openProxy(upstream.url);
  for (
    given of [
      "HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
      "nonsense\r\n\r\n",
    ]
  ) {
    using client = await connect(proxy.port);
    await client.say(`PUT /x HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`);
    const heard = await client.until(isWhole);
    ok(heard.startsWith("HTTP/1.1 502 "), `${given}: ${heard}`);
  }
});

Deno.test("proxy: a client that goes while it waits, also behind another request on its connection, keeps no turn", async () => {
  const silent = Promise.withResolvers<void>(), asked = Promise.withResolvers<void>();
  await using upstream = serveRaw(async ({ request, write }) => {
    asked.resolve();
    if (request.includes("/silent")) await silent.promise;
    await write(OK);
  });
  await using proxy = await openProxy(upstream.url, 1);
  const get = (path: string) => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`;
  const pipelined = await connect(proxy.port), waiting = await connect(proxy.port);
  await pipelined.say(get("/silent") + get("/behind"));
  await asked.promise;
  await waiting.say(get("/waiting"));
  waiting[Symbol.dispose]();
  pipelined[Symbol.dispose]();
  using client = await connect(proxy.port);
  await client.say(get("/after"));
  ok((await client.until(isWhole)).startsWith("HTTP/1.1 200 "));
  silent.resolve();
  ok(!upstream.requests.some((request) => request.includes("/waiting")));
});
