/** CORS at the DAV door, by HTTP, with a DAV server that knows nothing of it. */
import { equal, ok } from "../helpers/assert.ts";
import { serveRaw } from "../helpers/raw_upstream.ts";
import { testWorker } from "../helpers/worker.ts";

const PAGE = "https://app.example", STRANGER = "https://stranger.example";

async function withDoor(run: (url: string, asked: string[]) => Promise<void>, fields = ""): Promise<void> {
  await using upstream = serveRaw(({ write }) =>
    write(`HTTP/1.1 207 Multi-Status\r\n${fields}Content-Length: 2\r\n\r\nok`)
  );
  const env = { CARILLON_UPSTREAM: upstream.url.origin, CARILLON_ORIGINS: PAGE };
  await using worker = await testWorker({ env });
  await run(`${worker.url}/alice/work/`, upstream.requests);
}

async function ask(url: string, method: string, headers: Record<string, string>) {
  const response = await fetch(url, { method, headers });
  await response.body?.cancel();
  return { status: response.status, of: (name: string) => response.headers.get(name) };
}

const preflight = (origin: string) => ({ origin, "access-control-request-method": "PROPFIND" });

Deno.test("dav cors: a preflight of an allowed page is answered here, and allows no credentials of the browser's", () =>
  withDoor(async (url, asked) => {
    const { status, of } = await ask(url, "OPTIONS", preflight(PAGE));
    equal([status, of("access-control-allow-origin"), of("vary"), asked], [204, PAGE, "Origin", []]);
    ok(of("access-control-allow-methods")!.split(", ").includes("PROPFIND"));
    ok(of("access-control-allow-headers")!.split(", ").includes("authorization"));
    equal(of("access-control-allow-credentials"), null);
  }));

Deno.test("dav cors: an allowed page may read what the DAV server answers, and what we answer in its stead", () =>
  withDoor(async (url) => {
    const theirs = await ask(url, "PROPFIND", { origin: PAGE });
    equal([theirs.status, theirs.of("access-control-allow-origin")], [207, PAGE]);
    const ours = await ask(new URL("/-/registrations/none", url).href, "GET", { origin: PAGE });
    equal([ours.status, ours.of("access-control-allow-origin")], [405, PAGE]);
    for (const { of } of [theirs, ours]) ok(of("access-control-expose-headers")!.split(", ").includes("location"));
  }));

Deno.test("dav cors: of any other origin the DAV server is asked, and nothing is added to what it answers", () =>
  withDoor(async (url, asked) => {
    for (const origin of [STRANGER, "null", PAGE.toUpperCase(), `${PAGE}.evil.example`]) {
      for (const headers of [preflight(origin), { origin }]) {
        const { status, of } = await ask(url, "OPTIONS", headers);
        equal([status, of("access-control-allow-origin"), of("vary")], [207, null, null]);
      }
    }
    equal(asked.length, 8);
  }));

Deno.test("dav cors: an OPTIONS that is no preflight is the DAV server's, and what that says of CORS holds", () =>
  withDoor(async (url, asked) => {
    const { status, of } = await ask(url, "OPTIONS", { origin: PAGE });
    equal([status, of("access-control-allow-origin"), asked.length], [207, "*", 1]);
  }, "Access-Control-Allow-Origin: *\r\n"));

Deno.test("dav cors: a cache hears what both of us vary by", () =>
  withDoor(async (url) => {
    equal((await ask(url, "GET", { origin: PAGE })).of("vary"), "Accept-Encoding, Origin");
    equal((await ask(url, "GET", { origin: STRANGER })).of("vary"), "Accept-Encoding");
  }, "Vary: Accept-Encoding\r\n"));
