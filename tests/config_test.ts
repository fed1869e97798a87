import { exportJWK } from "jose";
import fc from "fast-check";
import { ConfigError, LOG_LEVELS, readConfig, VARIABLES } from "../src/config.ts";
import { equal, ok } from "./helpers/assert.ts";
import { freshVapidJwk } from "./helpers/vapid_keys.ts";
import { apnsAccount, fcmAccount, p256Pem, p384Pem, rsaPem, sec1Pem } from "./helpers/vendor_accounts.ts";
import { freshKey } from "./helpers/worker.ts";

/** What is wrong with these settings, by variable, each with all its faults. */
function faultsOf(variables: Record<string, string | undefined>): Record<string, string> {
  try {
    readConfig(variables);
    return {};
  } catch (thrown) {
    ok(thrown instanceof ConfigError, `${thrown}`);
    return Object.fromEntries(
      Map.groupBy(thrown.faults, ({ variable }) => variable).entries().map((
        [name, faults],
      ) => [name, faults.map(({ fault }) => fault).join()]),
    );
  }
}

const faulty = (variables: Record<string, string>) => Object.keys(faultsOf(variables)).sort();

const key = await freshKey("ES256");
const publicJwk = await exportJWK(key.publicKey);
const privateJwk = await exportJWK(key.privateKey);
const vapidJwk = await freshVapidJwk();
const SECRET = "a secret that is long enough for HS256";
const issuer = (more: Record<string, unknown> = {}) => ({
  iss: "dav",
  jwks: { keys: [publicJwk] },
  topics: ["https://dav.example/*"],
  ...more,
});
const apns = apnsAccount("https://api.push.apple.com", p256Pem());
const fcm = fcmAccount("https://fcm.googleapis.com", rsaPem());
/** As Google makes it. */
const serviceAccount = (more: Record<string, unknown> = {}) => ({
  type: "service_account",
  project_id: fcm.projectId,
  private_key_id: fcm.keyId,
  private_key: fcm.privateKey,
  client_email: fcm.clientEmail,
  token_uri: fcm.tokenUri,
  ...more,
});
const issuersOf = (...entries: unknown[]) => ({ CARILLON_ISSUERS: JSON.stringify(entries) });

Deno.test("config: with nothing set it runs, on localhost only", () => {
  equal(readConfig({}), {
    host: "127.0.0.1",
    port: 8411,
    url: "http://localhost:8411",
    kv: "./data/carillon.sqlite3",
    issuers: [],
    contact: "mailto:admin@localhost",
    vapidKeys: [],
    secret: undefined,
    origins: [],
    anonymous: false,
    pushHosts: [],
    apns: undefined,
    fcm: undefined,
    maxStreams: 20_000,
    maxSubjectStreams: 100,
    activeSubscriptions: false,
    upstream: undefined,
    upstreamConnections: undefined,
    service: undefined,
    davUrl: undefined,
    adminToken: undefined,
    log: "info",
  });
});

Deno.test("config: an empty variable counts as unset", () => {
  equal(readConfig(Object.fromEntries(VARIABLES.map((name) => [name, ""]))), readConfig({}));
});

Deno.test("config: every variable is read", () => {
  const config = readConfig({
    HOST: "0.0.0.0",
    PORT: "80",
    CARILLON_URL: "https://push.example/",
    CARILLON_KV: ":memory:",
    CARILLON_ISSUERS: JSON.stringify([issuer()]),
    CARILLON_CONTACT: "https://push.example/contact",
    CARILLON_VAPID_KEY: JSON.stringify(vapidJwk),
    CARILLON_SECRET: SECRET,
    CARILLON_ORIGINS: "https://a.example, https://b.example:8443/ http://localhost:3000",
    CARILLON_ANONYMOUS: "true",
    CARILLON_PUSH_HOSTS: "push.lan:8443, 192.168.0.0/16 fd00::1",
    CARILLON_APNS: JSON.stringify(apns),
    CARILLON_FCM: JSON.stringify(serviceAccount()),
    CARILLON_MAX_STREAMS: "5000",
    CARILLON_MAX_SUBJECT_STREAMS: "7",
    CARILLON_ACTIVE_SUBSCRIPTIONS: "true",
    CARILLON_UPSTREAM: "http://127.0.0.1:5232",
    CARILLON_UPSTREAM_CONNECTIONS: "4",
    CARILLON_DAV_URL: "https://dav.example/",
    CARILLON_SERVICE_USER: "poller",
    CARILLON_SERVICE_PASSWORD: "a password: with a colon",
    CARILLON_ADMIN_TOKEN: "an-admin-token-of-the-tests",
    CARILLON_LOG: "debug",
  });
  equal([config.host, config.port, config.url, config.kv], ["0.0.0.0", 80, "https://push.example", ":memory:"]);
  equal(config.origins, ["https://a.example", "https://b.example:8443", "http://localhost:3000"]);
  equal([config.secret, config.anonymous, config.adminToken, config.log], [
    SECRET,
    true,
    "an-admin-token-of-the-tests",
    "debug",
  ]);
  equal([config.contact, config.vapidKeys], ["https://push.example/contact", [vapidJwk]]);
  equal(config.pushHosts.map((entry) => "host" in entry ? entry.host : `${entry.range[0]}`), [
    "push.lan",
    "192.168.0.0",
    "fd00::1",
  ]);
  equal([config.apns, config.fcm], [apns, fcm]);
  equal([config.maxStreams, config.maxSubjectStreams, config.activeSubscriptions], [5000, 7, true]);
  equal(config.issuers.map(({ iss, algorithms, rate }) => [iss, algorithms, rate]), [
    ["dav", ["EdDSA", "ES256", "RS256"], 10_000],
  ]);
});

const BAD: Record<string, string[]> = {
  PORT: ["no port", "70000", "-1", "1.5", " ", "NaN", "Infinity"],
  CARILLON_URL: ["push.example", "ftp://push.example", "https://push.example/path", "javascript:alert(1)", "https://"],
  CARILLON_ISSUERS: ["{", "[", "/nowhere/issuers.json", "[{}]", '["dav"]', "[null]", "{}"],
  CARILLON_CONTACT: [
    "admin@push.example",
    "mailto:",
    "mailto:admin",
    "mailto:a b@c.example",
    "http://push.example",
    "https://",
  ],
  CARILLON_VAPID_KEY: ["{", "[]", "/nowhere/vapid.json", "{}", "[{}]", '["key"]', "null", "7"],
  CARILLON_SECRET: ["short", "x".repeat(15)],
  CARILLON_ORIGINS: ["*", "null", "app.example", "https://app.example/path", "https://a.example b.example"],
  CARILLON_ANONYMOUS: ["maybe", "2"],
  CARILLON_PUSH_HOSTS: ["*", "*.lan", "0.0.0.0/0", "::/0", "10.0.0.0/7", "https://push.lan", "push.lan *", "10.1"],
  CARILLON_APNS: ["{", "[]", "/nowhere/apns.json", "{}", '{"key":"-----BEGIN PRIVATE KEY-----"}', "null"],
  CARILLON_FCM: ["{", "[]", "/nowhere/fcm.json", "{}", '{"private_key":"-----BEGIN PRIVATE KEY-----"}', "null"],
  CARILLON_MAX_STREAMS: ["0", "-1", "many", "1.5", "10000000"],
  CARILLON_MAX_SUBJECT_STREAMS: ["0", "-1", "many", "1.5", "10000000"],
  CARILLON_ACTIVE_SUBSCRIPTIONS: ["maybe", "2"],
  CARILLON_UPSTREAM_CONNECTIONS: ["0", "-1", "four", "1.5", "100000"],
  CARILLON_UPSTREAM: ["127.0.0.1:5232", "http://dav.lan/path", "unix:/run/dav"],
  CARILLON_DAV_URL: ["dav.example", "https://dav.example/dav/"],
  // RFC 6750 2.1: a bearer token has no blanks, so that such a one could never be sent.
  CARILLON_ADMIN_TOKEN: ["short", "a token with blanks", "sixteen-lätters-and-more"],
  CARILLON_LOG: ["loud", "INFO"],
};

for (const [variable, values] of Object.entries(BAD)) {
  for (const value of values) {
    Deno.test(`config: ${variable} is refused as ${JSON.stringify(value)}`, () =>
      equal(faulty({ [variable]: value }), [variable]));
  }
}

Deno.test("config: a service account has a name and a password", () => {
  equal(faulty({ CARILLON_SERVICE_USER: "poller" }), ["CARILLON_SERVICE_PASSWORD"]);
  equal(faulty({ CARILLON_SERVICE_PASSWORD: "secret" }), ["CARILLON_SERVICE_USER"]);
  equal(faulty({ CARILLON_SERVICE_USER: "a:b", CARILLON_SERVICE_PASSWORD: "secret" }), ["CARILLON_SERVICE_USER"]);
});

Deno.test("config: the faults of all variables are reported at once", () => {
  equal(
    faulty(Object.fromEntries(Object.entries(BAD).map(([name, [value]]) => [name, value!]))),
    Object.keys(BAD).sort(),
  );
});

Deno.test("config: no fault ever says the value", () => {
  const marked = "marked-value";
  const values: Record<string, string[]> = {
    PORT: [marked],
    CARILLON_URL: [marked, `https://${marked}/path`, `ftp://${marked}`],
    CARILLON_SECRET: [marked],
    CARILLON_ADMIN_TOKEN: [marked],
    CARILLON_ORIGINS: [marked, `https://${marked}/path`],
    CARILLON_ANONYMOUS: [marked],
    CARILLON_CONTACT: [marked, `http://${marked}.example`],
    CARILLON_PUSH_HOSTS: [`${marked}/8`, `*.${marked}`, `push.lan https://${marked}`],
    CARILLON_VAPID_KEY: [
      marked,
      `{"${marked}`,
      JSON.stringify({ ...vapidJwk, d: marked }),
      JSON.stringify({ ...vapidJwk, d: marked.padEnd(43, "A") }),
      JSON.stringify([{ ...vapidJwk, kty: marked }]),
    ],
    CARILLON_LOG: [marked],
    CARILLON_APNS: [
      marked,
      `{"${marked}`,
      ...["teamId", "keyId", "key", "server"].map((name) => JSON.stringify({ ...apns, [name]: marked })),
      JSON.stringify({ ...apns, topic: `${marked}/` }),
      JSON.stringify({ ...apns, key: `-----BEGIN PRIVATE KEY-----\n${marked}\n-----END PRIVATE KEY-----\n` }),
      JSON.stringify({ ...apns, server: `https://${marked}/path` }),
    ],
    CARILLON_FCM: [
      marked,
      ...["client_email", "private_key", "token_uri", "server"].map((name) =>
        JSON.stringify(serviceAccount({ [name]: marked }))
      ),
      JSON.stringify(serviceAccount({ project_id: `${marked}/` })),
      JSON.stringify(serviceAccount({ token_uri: `http://${marked}/token` })),
    ],
    CARILLON_ISSUERS: [
      marked,
      `/nowhere/${marked}`,
      `[{"${marked}"`,
      JSON.stringify([issuer({ jwks: undefined, secret: marked })]),
      JSON.stringify([issuer({ jwks: { keys: [{ ...privateJwk, d: marked }] } })]),
      JSON.stringify([issuer({ jwks: { keys: [{ kty: marked }] } })]),
      JSON.stringify([issuer({ algorithms: [marked] })]),
      JSON.stringify([issuer({ jwks: undefined, jwks_uri: `http://${marked}/jwks` })]),
      JSON.stringify([issuer({ topics: [`https://${marked}/(`] })]),
    ],
  };
  for (const [variable, list] of Object.entries(values)) {
    for (const value of list) {
      const said = JSON.stringify(faultsOf({ [variable]: value }));
      ok(said !== "{}" && !said.includes(marked), said);
    }
  }
});

const BAD_ISSUERS: Record<string, unknown> = {
  "no iss": issuer({ iss: undefined }),
  "an empty iss": issuer({ iss: "" }),
  "no keys": issuer({ jwks: undefined }),
  "an empty key set": issuer({ jwks: { keys: [] } }),
  "two kinds of keys": issuer({ secret: SECRET }),
  "a private key": issuer({ jwks: { keys: [privateJwk] } }),
  "a symmetric key in a set": issuer({ jwks: { keys: [{ kty: "oct", k: "AAAA" }] } }),
  "a key of no type": issuer({ jwks: { keys: [{}] } }),
  "a short secret": issuer({ jwks: undefined, secret: "x".repeat(31) }),
  "a key set without TLS": issuer({ jwks: undefined, jwks_uri: "http://dav.example/jwks" }),
  "a key set that only begins like localhost": issuer({
    jwks: undefined,
    jwks_uri: "http://localhost.evil.example/jwks",
  }),
  "a key set at no address": issuer({ jwks: undefined, jwks_uri: "dav.example/jwks" }),
  "a key set in a file": issuer({ jwks: undefined, jwks_uri: "file:///etc/passwd" }),
  "HS256 with a public key": issuer({ algorithms: ["HS256"] }),
  "HS256 beside ES256": issuer({ algorithms: ["ES256", "HS256"] }),
  "ES256 with a secret": issuer({ jwks: undefined, secret: SECRET, algorithms: ["ES256"] }),
  "a rate of nothing": issuer({ rate: 0 }),
  "a rate that is no number": issuer({ rate: "10" }),
  "algorithm none": issuer({ algorithms: ["none"] }),
  "no algorithms": issuer({ algorithms: [] }),
  "no topics": issuer({ topics: [] }),
  "an empty topic": issuer({ topics: [""] }),
  "a pattern that does not compile": issuer({ topics: ["https://dav.example/("] }),
  "a pattern that costs too much": issuer({ topics: ["https://dav.example/{(a|a)}*y"] }),
  "the name of the local issuer": issuer({ iss: "local" }),
};

for (const [what, entry] of Object.entries(BAD_ISSUERS)) {
  Deno.test(`config: an issuer with ${what} is refused`, () => equal(faulty(issuersOf(entry)), ["CARILLON_ISSUERS"]));
}

const BAD_VAPID_KEYS: Record<string, unknown> = {
  "without its private part": { ...vapidJwk, d: undefined },
  "without a coordinate": { ...vapidJwk, y: undefined },
  "of another type": { ...vapidJwk, kty: "OKP" },
  "of another curve": { ...vapidJwk, crv: "P-384" },
  "whose private part is another key's": { ...vapidJwk, d: (await freshVapidJwk()).d },
  "whose coordinates are exchanged": { ...vapidJwk, x: vapidJwk.y, y: vapidJwk.x },
  "whose private part is zero": { ...vapidJwk, d: "A".repeat(43) },
  "whose private part is beyond the order of the curve": { ...vapidJwk, d: `${"_".repeat(42)}8` },
  "whose private part is too short": { ...vapidJwk, d: vapidJwk.d!.slice(1) },
  "behind a good one": [vapidJwk, { ...vapidJwk, d: "A".repeat(43) }],
};

for (const [what, value] of Object.entries(BAD_VAPID_KEYS)) {
  Deno.test(`config: a VAPID key ${what} is refused`, () =>
    equal(faulty({ CARILLON_VAPID_KEY: JSON.stringify(value) }), ["CARILLON_VAPID_KEY"]));
}

Deno.test("config: VAPID keys are read one, or as a list in its order, or from a file", async () => {
  const list = [vapidJwk, await freshVapidJwk()], path = await Deno.makeTempFile({ suffix: ".json" });
  const read = (text: string) => readConfig({ CARILLON_VAPID_KEY: text }).vapidKeys;
  await Deno.writeTextFile(path, JSON.stringify(list));
  equal([read(JSON.stringify(list)), read(` ${JSON.stringify(vapidJwk)}`), read(path)], [list, [vapidJwk], list]);
  await Deno.remove(path);
});

/** By setting: what is wrong, the member that must be named, and the value with it. */
const BAD_ACCOUNTS: Record<string, [what: string, member: string, value: unknown][]> = {
  CARILLON_APNS: [
    ["without a team", "teamId", { ...apns, teamId: undefined }],
    ["whose key id is none", "keyId", { ...apns, keyId: "key" }],
    ["without a key", "key", { ...apns, key: undefined }],
    ["whose key is of another curve", "key", { ...apns, key: p384Pem() }],
    ["whose key is of RSA", "key", { ...apns, key: fcm.privateKey }],
    ["whose key has another form", "key", { ...apns, key: sec1Pem() }],
    ["whose key is cut off", "key", { ...apns, key: apns.key.slice(0, 100) }],
    ["without a topic", "topic", { ...apns, topic: "" }],
    ["whose topic breaks a header", "topic", { ...apns, topic: "org.example\r\nx: y" }],
    ["whose server is no origin", "server", { ...apns, server: "https://api.push.apple.com/3/device" }],
    ["whose server has no TLS", "server", { ...apns, server: "http://api.push.apple.com" }],
  ],
  CARILLON_FCM: [
    ["without a project", "project_id", serviceAccount({ project_id: undefined })],
    ["whose project leads elsewhere", "project_id", serviceAccount({ project_id: "calendar/../other" })],
    ["without an address", "client_email", serviceAccount({ client_email: undefined })],
    ["without a key", "private_key", serviceAccount({ private_key: undefined })],
    ["whose key is short", "private_key", serviceAccount({ private_key: rsaPem(1024) })],
    ["whose key is of P-256", "private_key", serviceAccount({ private_key: apns.key })],
    ["without a token_uri", "token_uri", serviceAccount({ token_uri: undefined })],
    ["whose token_uri has no TLS", "token_uri", serviceAccount({ token_uri: "http://oauth2.googleapis.com/token" })],
    ["whose server is no origin", "server", serviceAccount({ server: "fcm.googleapis.com" })],
  ],
};

for (const [variable, rows] of Object.entries(BAD_ACCOUNTS)) {
  for (const [what, member, value] of rows) {
    Deno.test(`config: an account of ${variable} ${what} is refused, by its member`, () => {
      const faults = faultsOf({ [variable]: JSON.stringify(value) });
      ok(faults[variable]?.startsWith(member), faults[variable]);
    });
  }
}

Deno.test("config: the vendors' servers are their own where none is named, and accounts are read from files", async () => {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  await Deno.writeTextFile(path, JSON.stringify(serviceAccount()));
  equal(readConfig({ CARILLON_FCM: path }).fcm?.server, "https://fcm.googleapis.com");
  await Deno.writeTextFile(path, JSON.stringify({ ...apns, server: undefined }));
  equal(readConfig({ CARILLON_APNS: path }).apns?.server, "https://api.push.apple.com");
  equal(
    readConfig({ CARILLON_FCM: JSON.stringify(serviceAccount({ server: "https://fcm.lan:8443/" })) }).fcm?.server,
    "https://fcm.lan:8443",
  );
  await Deno.remove(path);
});

Deno.test("config: an issuer named twice is refused", () =>
  equal(faulty(issuersOf(issuer(), issuer())), ["CARILLON_ISSUERS"]));

Deno.test("config: faults of several issuers are reported at once, each with its place", () => {
  const said = faultsOf(
    issuersOf(issuer({ iss: "" }), issuer(), issuer({ iss: "other", topics: [] })),
  )["CARILLON_ISSUERS"]!;
  ok(/\b0\.iss/.test(said) && /\b2\.topics/.test(said), said);
});

Deno.test("config: issuers are read from a file as well", async () => {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  await Deno.writeTextFile(path, JSON.stringify([issuer()]));
  equal(readConfig({ CARILLON_ISSUERS: path }).issuers, readConfig(issuersOf(issuer())).issuers);
  await Deno.remove(path);
});

Deno.test("config: a key set by address may be local without TLS, a secret means HS256", () => {
  for (
    const jwks_uri of [
      "http://localhost:1/jwks",
      "http://127.0.0.1/jwks",
      "http://[::1]/jwks",
      "https://dav.example/jwks",
    ]
  ) {
    equal(readConfig(issuersOf(issuer({ jwks: undefined, jwks_uri }))).issuers[0]!.keys, { jwks_uri });
  }
  equal(readConfig(issuersOf(issuer({ jwks: undefined, secret: SECRET }))).issuers[0]!.algorithms, ["HS256"]);
});

Deno.test("config: the levels of the log are read", () => {
  for (const level of LOG_LEVELS) equal(readConfig({ CARILLON_LOG: level }).log, level);
});

Deno.test("config: any values are settings or a ConfigError", () => {
  const values = fc.record(Object.fromEntries(VARIABLES.map((name) => [name, fc.oneof(fc.string(), fc.json())])), {
    requiredKeys: [],
  });
  fc.assert(fc.property(values, (variables) => void faultsOf(variables)), { numRuns: 300 });
});
