import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { GRANT_TYPE } from "../../src/model/grant.ts";
import { equal, ok } from "../helpers/assert.ts";
import { makePlace } from "../helpers/main_database.ts";
import { helpOf, runScript } from "../helpers/process.ts";
import { publish } from "../helpers/worker.ts";

const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

Deno.test("token: --help shows every flag", async () => {
  const help = await helpOf("token");
  for (const flag of ["--publish", "--subscribe", "--expires", "--url", "--key", "--issuer", "--admin"]) {
    ok(help.includes(flag), flag);
  }
});

Deno.test("token: prints a token alone, good for an hour, for these topics and no others", async () => {
  await using place = await makePlace();
  await using main = await place.start();
  const args = ["--publish", "a", "--publish", "https://c.example/*", "--subscribe", "b"];
  const { code, out, err } = await runScript("token", args, main.env);
  equal([code, err, out.split("\n").length], [0, "", 2]);
  const token = out.trim();
  const { typ, kid, alg } = decodeProtectedHeader(token);
  const { aud, iss, exp, iat, authorization_details } = decodeJwt(token);
  equal([typ, alg, kid], ["at+jwt", "EdDSA", (await place.localIssuer()).jwks.keys[0]!.kid!]);
  equal([aud, iss, exp! - iat!], [main.url, "local", 3600]);
  equal(authorization_details, [
    {
      type: GRANT_TYPE,
      actions: ["publish"],
      topics: [{ match: "a", match_type: "exact" }, { match: "https://c.example/*", match_type: "urlpattern" }],
    },
    { type: GRANT_TYPE, actions: ["subscribe"], topics: [{ match: "b", match_type: "exact" }] },
  ]);
  equal((await publish(main.hub, token, [["topic", "a"]])).status, 200);
  equal((await publish(main.hub, token, [["topic", "https://c.example/d"]])).status, 200);
  equal((await publish(main.hub, token, [["topic", "b"]])).status, 403);
});

Deno.test("token: elsewhere it signs with a key file, for the worker at --url, as long as asked", async () => {
  await using place = await makePlace({ CARILLON_KV: ":memory:" });
  const key = `${place.folder}/key.json`;
  const [entry] = JSON.parse((await runScript("issuer", ["calendar", "--save", key])).out);
  const args = ["--subscribe", "*", "--expires", "90s", "--url", "https://push.example/", "--key", key];
  const { code, out } = await runScript("token", [...args, "--issuer", "calendar"], place.env);
  equal(code, 0);
  const { payload } = await jwtVerify(out.trim(), createLocalJWKSet(entry.jwks), { typ: "at+jwt" });
  equal([payload.iss, payload.aud, payload.exp! - payload.iat!], ["calendar", "https://push.example", 90]);
});

Deno.test("token: a new admin token opens the metrics, and ends the one before", async () => {
  await using place = await makePlace();
  await using main = await place.start();
  const status = async (token: string) => {
    const response = await fetch(`${main.url}/-/metrics`, { headers: { authorization: `Bearer ${token}` } });
    await response.body?.cancel();
    return response.status;
  };
  const [first, second] = [
    await runScript("token", ["--admin"], main.env),
    await runScript("token", ["--admin"], main.env),
  ];
  equal([first.code, second.code, second.err], [0, 0, ""]);
  equal([await status(first.out.trim()), await status(second.out.trim())], [401, 200]);
});

Deno.test("token: an admin token that the settings name is not replaced", async () => {
  const { code, out, err } = await runScript("token", ["--admin"], {
    CARILLON_ADMIN_TOKEN: "a".repeat(16),
    CARILLON_KV: ":memory:",
  });
  equal([code, out], [1, ""]);
  ok(err.includes("CARILLON_ADMIN_TOKEN"), err);
});

for (const command of ["token --subscribe a", "token --admin", "ring a", "listen a"]) {
  Deno.test(`${command}: without a database it says what to do, and makes none`, async () => {
    await using place = await makePlace({ CARILLON_KV: "none" });
    const [name, ...args] = command.split(" ");
    const CARILLON_KV = `${place.folder}/data/none.sqlite3`;
    const missing = await runScript(name!, args, { CARILLON_KV });
    equal([missing.code, missing.out], [1, ""]);
    ok(missing.err.includes(CARILLON_KV) && missing.err.includes("deno task start"), missing.err);
    const memory = await runScript(name!, args, { CARILLON_KV: ":memory:" });
    equal([memory.code, memory.out], [1, ""]);
    ok(memory.err.includes(":memory:"), memory.err);
    ok(missing.err.includes(command === "token --admin" ? "machine" : "--url"), missing.err);
    equal(await exists(`${place.folder}/data`), false);
  });
}

Deno.test("token: what is not understood is said in one line, with 2", async () => {
  const wrong = [
    [],
    ["--publish", "a", "b"],
    ["--publish", "a", "--expires", "soon"],
    ["--publish", "a", "--expires", "0s"],
    ["--publish", "a", "--issuer", "calendar"],
    ["--publish", "a", "--url", "ftp://push.example"],
    ["--admin", "--publish", "a"],
    ["--bogus"],
  ];
  for (const args of wrong) {
    const { code, out, err } = await runScript("token", args);
    equal([code, out, err.split("\n").length], [2, "", 2], `${args.join(" ")}: ${err}`);
    ok(err.includes("deno task token --help"), err);
  }
});

Deno.test("token: a pattern that the worker would refuse is refused", async () => {
  await using place = await makePlace();
  const key = `${place.folder}/key.json`;
  await runScript("issuer", ["calendar", "--save", key]);
  const args = ["--publish", "https://a.example/*a*a*a", "--key", key, "--issuer", "calendar"];
  const { code, err } = await runScript("token", args);
  equal(code, 2);
  ok(err.includes("repeats"), err);
});

Deno.test("token: a file that is no private key is refused, and nothing of it is shown", async () => {
  await using place = await makePlace();
  const path = `${place.folder}/key.json`;
  for (
    const text of ["top secret", '{"kty":"OKP","crv":"Ed25519","x":"top-secret"}', '{"kty":"OKP","d":"top-secret"}']
  ) {
    await Deno.writeTextFile(path, text);
    const { code, out, err } = await runScript("token", ["--publish", "a", "--key", path, "--issuer", "i"]);
    equal([code, out], [1, ""]);
    ok(err.includes(path) && !/top.secret/.test(err), err);
  }
});

Deno.test("token: a sealed database opens with its secret alone", async () => {
  await using place = await makePlace({ CARILLON_SECRET: "a secret of the tests" });
  await using main = await place.start();
  equal((await runScript("token", ["--publish", "a"], main.env)).code, 0);
  const { code, out, err } = await runScript("token", ["--publish", "a"], { ...main.env, CARILLON_SECRET: "" });
  equal([code, out], [1, ""]);
  ok(err.includes("CARILLON_SECRET"), err);
});

Deno.test("token: settings that do not tell where the worker is, or are wrong, are said in one line", async () => {
  const unknown = await runScript("token", ["--publish", "a"], { PORT: "0" });
  const wrong = await runScript("token", ["--publish", "a"], { PORT: "x", CARILLON_LOG: "loud" });
  equal([unknown, wrong].map(({ code, out, err }) => [code, out, err.split("\n").length]), [[1, "", 2], [1, "", 2]]);
  ok(unknown.err.includes("--url"), unknown.err);
  ok(wrong.err.includes("PORT: ") && wrong.err.includes("CARILLON_LOG: "), wrong.err);
});
