import { exportJWK, importJWK } from "jose";
import { readConfig } from "../../src/config.ts";
import { importVapidKey, printVapid } from "../../src/wire/vapid.ts";
import { checkVapid } from "../helpers/vapid_check.ts";
import {
  hashAdminToken,
  LOCAL_ISS,
  makeAdminToken,
  readAdminHash,
  readEpoch,
  readHashKey,
  readLocalIssuer,
  readVapidKey,
} from "../../src/store/keys.ts";
import { StoreError } from "../../src/store/store_error.ts";
import { equal, ok } from "../helpers/assert.ts";
import { testStores } from "../helpers/stores.ts";

const SECRET = "a secret of sixteen characters and more";

async function everything(kv: Deno.Kv): Promise<string> {
  const entries = await Array.fromAsync(kv.list({ prefix: [] }));
  return Deno.inspect(entries, { depth: 9, strAbbreviateSize: Infinity, iterableLimit: Infinity });
}

testStores("keys: the epoch is made once, also for many isolates that start together", async (openKv) => {
  await using kv = await openKv();
  const epochs = await Promise.all(Array.from({ length: 20 }, () => readEpoch(kv)));
  equal(new Set([...epochs, await readEpoch(kv)]).size, 1);
  ok(/^[A-Za-z0-9_-]{8}$/.test(epochs[0]!));
});

testStores("keys: two databases have two epochs and two keys", async (openKv) => {
  await using one = await openKv();
  await using other = await openKv();
  ok(await readEpoch(one) !== await readEpoch(other));
  const kids = await Promise.all(
    [one, other].map(async (kv) => (await readLocalIssuer(kv, undefined)).jwks.keys[0]!.kid),
  );
  ok(kids[0] !== kids[1]);
});

testStores("keys: the local issuer is made once, and its public set holds no private part", async (openKv) => {
  await using kv = await openKv();
  const issuers = await Promise.all(Array.from({ length: 8 }, () => readLocalIssuer(kv, undefined)));
  equal(new Set(issuers.map(({ jwks }) => JSON.stringify(jwks))).size, 1);
  const { iss, jwks, privateKey } = issuers[0]!;
  equal([iss, jwks.keys.length, "d" in jwks.keys[0]!], [LOCAL_ISS, 1, false]);
  const data = new TextEncoder().encode("a message");
  const signature = await crypto.subtle.sign("Ed25519", privateKey, data);
  ok(await crypto.subtle.verify("Ed25519", await importJWK(jwks.keys[0]!, "EdDSA") as CryptoKey, signature, data));
});

testStores("keys: with a secret the private key is sealed, also one that was made without", async (openKv) => {
  await using kv = await openKv();
  const before = await readLocalIssuer(kv, undefined);
  const stored = JSON.stringify(await kv.get(["local_issuer"]).then(({ value }) => value));
  const { d } = JSON.parse(JSON.parse(stored).text);
  ok((await everything(kv)).includes(d));
  const after = await readLocalIssuer(kv, SECRET);
  equal(after.jwks, before.jwks);
  ok(!(await everything(kv)).includes(d));
  equal((await readLocalIssuer(kv, SECRET)).jwks, before.jwks);
});

testStores("keys: a sealed key does not open without its secret", async (openKv) => {
  await using kv = await openKv();
  await readLocalIssuer(kv, SECRET);
  const refusal = await readLocalIssuer(kv, undefined).then(() => "", ({ message }: Error) => message);
  ok(refusal.includes("CARILLON_SECRET"));
});

testStores("keys: the private key cannot be confused with a public one", async (openKv) => {
  await using kv = await openKv();
  const { privateKey } = await readLocalIssuer(kv, undefined);
  equal([privateKey.type, privateKey.usages.join()], ["private", "sign"]);
  ok(!privateKey.extractable || "d" in await exportJWK(privateKey));
});

testStores(
  "keys: the VAPID key is made once, also for many isolates, and differs from database to database",
  async (openKv) => {
    await using kv = await openKv();
    await using other = await openKv();
    const keys = await Promise.all(Array.from({ length: 8 }, () => readVapidKey(kv, undefined)));
    equal(new Set(keys.map((key) => JSON.stringify(key))).size, 1);
    ok((await readVapidKey(other, undefined)).d !== keys[0]!.d);
  },
);

testStores("keys: the VAPID key signs what a push service takes, and could stand in the settings", async (openKv) => {
  await using kv = await openKv();
  const jwk = await readVapidKey(kv, undefined), key = await importVapidKey(jwk);
  const audience = "https://push.example", now = Date.now();
  const header = await printVapid(key, { audience, contact: "mailto:a@b.example", now });
  equal(checkVapid(header, { audience, now }).k, key.point);
  equal(readConfig({ CARILLON_VAPID_KEY: JSON.stringify(jwk) }).vapidKeys, [jwk]);
});

testStores(
  "keys: the VAPID key is sealed with a secret, also one that was made without, and needs it again",
  async (openKv) => {
    await using kv = await openKv();
    const before = await readVapidKey(kv, undefined);
    ok((await everything(kv)).includes(before.d!));
    equal(await readVapidKey(kv, SECRET), before);
    ok(!(await everything(kv)).includes(before.d!));
    equal(await readVapidKey(kv, SECRET), before);
    const refusal = await readVapidKey(kv, undefined).then(() => "", ({ message }: Error) => message);
    ok(refusal.includes("CARILLON_SECRET"));
  },
);

testStores("keys: of the admin token only a hash is kept, and a new token replaces the old one", async (openKv) => {
  await using kv = await openKv();
  equal(await readAdminHash(kv), undefined);
  const first = await makeAdminToken(kv);
  equal(await readAdminHash(kv), hashAdminToken(first));
  ok(!(await everything(kv)).includes(first));
  const second = await makeAdminToken(kv);
  ok(first !== second && first.length >= 32);
  equal(await readAdminHash(kv), hashAdminToken(second));
});

/** What a database may hold under the key of something that must exist once. */
const BROKEN: Record<string, unknown[]> = {
  epoch: [null, 7, "", "short", "line\nend", {}, new Uint8Array(8)],
  hash_key: [null, 7, "", "short", [], new Uint8Array(32)],
  local_issuer: [
    null,
    7,
    {},
    { sealed: false },
    { sealed: false, text: 1 },
    { sealed: false, text: "{" },
    {
      sealed: false,
      text: "null",
    },
    { sealed: false, text: '{"kty":"OKP","crv":"Ed25519","x":"a","d":"b","kid":"c"}' },
    { sealed: true, iv: "", data: "" },
  ],
  vapid_key: [undefined, "text", { sealed: false, text: "[]" }, {
    sealed: false,
    text: '{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA","d":"a secret of the key"}',
  }],
  admin_token: [null, 1, "", "too short", { hash: "x" }],
};

const READ: Record<string, (kv: Deno.Kv) => Promise<unknown>> = {
  epoch: readEpoch,
  hash_key: readHashKey,
  local_issuer: (kv) => readLocalIssuer(kv, undefined),
  vapid_key: (kv) => readVapidKey(kv, SECRET),
  admin_token: readAdminHash,
};

for (const [name, values] of Object.entries(BROKEN)) {
  testStores(`keys: a broken ${name} is refused by its key, in two lines, and stays`, async (openKv) => {
    for (const value of values) {
      await using kv = await openKv();
      await kv.set([name], value);
      const thrown = await READ[name]!(kv).then(() => undefined, (thrown) => thrown);
      ok(thrown instanceof StoreError, `${Deno.inspect(value)}: ${thrown}`);
      equal(thrown.message.split("\n").length, 2);
      ok(thrown.message.includes(`["${name}"]`) && !thrown.message.includes("a secret of"), thrown.message);
      equal((await kv.get([name])).value, value);
    }
  });
}

testStores("keys: what was sealed and was changed since is refused, and stays", async (openKv) => {
  await using kv = await openKv();
  await readVapidKey(kv, SECRET);
  const sealed = { ...(await kv.get<Record<string, unknown>>(["vapid_key"])).value!, iv: new Uint8Array(12) };
  await kv.set(["vapid_key"], sealed);
  const thrown = await readVapidKey(kv, SECRET).then(() => undefined, (thrown) => thrown);
  ok(thrown instanceof StoreError && thrown.message.includes("CARILLON_SECRET"));
  equal((await kv.get(["vapid_key"])).value as unknown, sealed);
});
