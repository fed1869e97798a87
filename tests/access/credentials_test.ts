import { Hono } from "hono";
import { COOKIE, readToken } from "../../src/access/credentials.ts";
import { CarillonError } from "../../src/errors.ts";
import { equal } from "../helpers/assert.ts";

const URL = "https://carillon.example/.well-known/mercure";
const OURS = "https://app.example";

/** The token that a request brings, `none`, or the code that it is refused with. */
async function tokenOf(
  headers: Record<string, string>,
  { method = "GET", query = "", cookies = true } = {},
): Promise<string> {
  const app = new Hono();
  app.onError((thrown, c) =>
    c.body(null, { headers: { said: thrown instanceof CarillonError ? thrown.code : "broken" } })
  );
  app.all(
    "*",
    (c) => c.body(null, { headers: { said: readToken(c, { origins: new Set([OURS]), cookies }) ?? "none" } }),
  );
  return (await app.request(URL + query, { method, headers })).headers.get("said")!;
}

const cookie = (more: Record<string, string> = {}) => ({ cookie: `a=b; ${COOKIE}=the.cookie; c=d`, ...more });

Deno.test("credentials: the token of the header is read, whatever the case of its scheme", async () => {
  for (const authorization of ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c"]) {
    equal(await tokenOf({ authorization }), "a.b.c");
  }
});

Deno.test("credentials: a request may bring none", async () => equal(await tokenOf({}), "none"));

Deno.test("credentials: a bearer header of another form is bad_request, also beside a good cookie", async () => {
  for (const authorization of ["Bearer", "Bearer ", "Bearer a b", "Bearer a, Bearer b", "Bearer\ta", "bearer ä"]) {
    equal(await tokenOf({ authorization }), "bad_request");
    equal(await tokenOf(cookie({ authorization, origin: OURS })), "bad_request");
  }
});

Deno.test("credentials: a header of another scheme brings no token, and no cookie counts beside it", async () => {
  for (const authorization of ["", "Basic abc", "a.b.c", "Bearers a.b.c", "DPoP a.b.c"]) {
    equal(await tokenOf({ authorization }), "none");
    equal(await tokenOf(cookie({ authorization, origin: OURS })), "none");
  }
});

Deno.test("credentials: a malformed presentation carries the challenge invalid_request", async () => {
  for (
    const request of [new Request(`${URL}?access_token=a`), new Request(URL, { headers: { authorization: "Bearer" } })]
  ) {
    const app = new Hono();
    app.get("*", (c) => c.text(readToken(c, { origins: new Set(), cookies: true }) ?? ""));
    app.onError((thrown, c) => c.body(null, { headers: (thrown as CarillonError).headers }));
    equal((await app.request(request)).headers.get("www-authenticate"), 'Bearer error="invalid_request"');
  }
});

Deno.test("credentials: the header wins over the cookie, and needs no Origin", async () => {
  equal(await tokenOf(cookie({ authorization: "Bearer a.b.c", origin: "https://evil.example" })), "a.b.c");
});

Deno.test("credentials: a cookie counts with our Origin, also on a POST", async () => {
  equal(await tokenOf(cookie({ origin: OURS })), "the.cookie");
  equal(await tokenOf(cookie({ origin: OURS }), { method: "POST" }), "the.cookie");
});

Deno.test("credentials: a cookie from any other Origin is origin_refused", async () => {
  for (
    const origin of ["https://evil.example", "null", `${OURS}:444`, `${OURS}.evil.example`, "http://app.example", ""]
  ) {
    for (const method of ["GET", "POST", "HEAD"]) {
      equal(await tokenOf(cookie({ origin }), { method }), "origin_refused");
    }
  }
});

Deno.test("credentials: without an Origin a GET may bring its cookie, a POST only from our Referer", async () => {
  equal(await tokenOf(cookie()), "the.cookie");
  equal(await tokenOf(cookie({ referer: `${OURS}/page?a` }), { method: "POST" }), "the.cookie");
  for (const referer of ["https://evil.example/", `https://evil.example/${OURS}`, "garbage", ""]) {
    equal(await tokenOf(cookie({ referer }), { method: "POST" }), "origin_refused");
  }
  equal(await tokenOf(cookie(), { method: "POST" }), "origin_refused");
});

Deno.test("credentials: a foreign Origin is not outweighed by a good Referer", async () => {
  equal(await tokenOf(cookie({ origin: "https://evil.example", referer: `${OURS}/` })), "origin_refused");
});

Deno.test("credentials: a token in the URL is token_in_url, whatever the case of its name, also beside a good header", async () => {
  for (const name of ["access_token", "authorization", "token", "jwt", "Access_Token", "%61ccess_token"]) {
    for (const query of [`?${name}=a.b.c`, `?match=a&${name}`, `?${name}=`]) {
      equal(await tokenOf({}, { query }), "token_in_url");
      equal(await tokenOf({ authorization: "Bearer a.b.c" }, { query }), "token_in_url");
    }
  }
  equal(await tokenOf({}, { query: "?match=token&tokens=a" }), "none");
});

Deno.test("credentials: other cookies are none of ours", async () => {
  for (const name of ["mercureAuthorization", `${COOKIE}2`, COOKIE.toLowerCase(), "__Secure-"]) {
    equal(await tokenOf({ cookie: `${name}=the.cookie` }), "none");
  }
});

Deno.test("credentials: where cookies are off none is looked at, wherever it comes from", async () => {
  for (const origin of [OURS, "https://evil.example"]) {
    equal(await tokenOf(cookie({ origin }), { cookies: false }), "none");
    equal(await tokenOf(cookie({ origin, authorization: "Bearer a.b.c" }), { cookies: false }), "a.b.c");
  }
});
