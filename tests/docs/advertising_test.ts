/** docs/advertising-and-subscribing.md: its grammars, by parsers of others, against what clients write and the worker answers. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { parsePush } from "../../src/wire/push_message.ts";
import { parseClientData } from "../../src/wire/subscription_request.ts";
import { findAbnf } from "../helpers/abnf.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { component } from "../helpers/component.ts";
import { FIND, openAll, registerAt, until, XML } from "../helpers/dav_push.ts";
import { documentOf } from "../helpers/document.ts";
import { findRadicale } from "../helpers/radicale.ts";
import { findRelaxNg } from "../helpers/relax_ng.ts";

const document = await documentOf("docs/advertising-and-subscribing.md");
const grammar = findAbnf(document.textOf("abnf"));
const fixture = (name: string) => Deno.readTextFile(`tests/fixtures/${name}`);
const TC_PUSH = "urn:ietf:params:xml:ns:dav-push";

const ajv = new Ajv2020();
ajv.addSchema(JSON.parse(document.textOf("json schema")), "push");
const isValid = (name: string, value: unknown) => ajv.validate(`push#/$defs/${name}`, value) as boolean;

Deno.test("advertising: each rule takes its example, and not the other one", () => {
  const rows = [...document.text.matchAll(/^\| `([\w-]+)` +\| `(.+?)` +\| `(.+?)` +\|$/gm)];
  for (const [, rule, good, bad] of rows) {
    equal([good, grammar.takes(rule!, good!), bad, grammar.takes(rule!, bad!)], [good, true, bad, false]);
  }
  ok(rows.length >= 10, `${rows.length}`);
});

const testSchema = await component("rnc2rng and xmllint", () => findRelaxNg(document.textOf("rnc")));

const TAKEN = [
  "davx5-4.5-register.xml",
  "davx5-next-register.xml",
  "sample-push-register.xml",
  "sample-push-message.xml",
]
  .concat("push-message-vapid-key.xml").map((name) => `webdav-push/${name}`).concat("cc-70025/subscribe.xml");

testSchema("advertising: the schema takes what clients and the drafts write, and nothing beside it", async (schema) => {
  for (const name of TAKEN) equal(await schema.faultsOf(await fixture(name)), "", name);
  // The draft's own sample has no propstat, which no client reads.
  ok(await schema.faultsOf(await fixture("webdav-push/sample-propfind-multistatus.xml")) !== "");
  const register = await fixture("webdav-push/sample-push-register.xml");
  const subscribe = await fixture("cc-70025/subscribe.xml");
  ok(await schema.faultsOf(subscribe.replace("12:00:00Z", "12:00:00+01:00")) !== "");
  const broken = [["push-resource", "push-address"], ["infinity", "2"], ["p256dh", "rsa"], ["aes128gcm", "aesgcm"]];
  for (const [part, other] of broken) ok(await schema.faultsOf(register.replaceAll(part!, other!)) !== "", other);
});

const test = await component("Radicale, rnc2rng and xmllint", async () => {
  await findRadicale();
  return await findRelaxNg(document.textOf("rnc"));
});

test("advertising: what the DAV door answers and sends is as the grammars say", async (schema) => {
  await using all = await openAll();
  const { alice, service } = all, ask = `${FIND.slice(0, -18)}${ALL_OF_TC_PUSH}</prop></propfind>`;
  const found = await alice.request("PROPFIND", "/alice/", ask, { depth: "1", ...XML });
  equal([found.status, await schema.faultsOf(found.text)], [207, ""]);
  const values = [...found.text.matchAll(/<P:(topic|vapid-public-key)[^>]*>([^<]+)</g)];
  for (const [, rule, value] of values) ok(grammar.takes(rule!, value!), `${rule}: ${value}`);
  ok(values.length >= 6 && found.text.includes("supported-transport-set"), found.text);

  const device = service.subscribe(), registered = await registerAt(alice, "/alice/work/", device);
  for (const field of ["location", "expires"]) {
    const value = registered.headers.get(field)!;
    ok(grammar.takes(field, value), value);
  }
  const topic = new RegExp(`<P:topic xmlns:P="${TC_PUSH}">([^<]+)`).exec(found.text)![1]!, phone = service.subscribe();
  const clientData = { endpoint: phone.address, keys: phone.keys };
  ok(isValid("clientData", clientData), JSON.stringify(ajv.errors));
  const subscribe = (topic: string) =>
    alice.request("POST", "/-/registrations", printSubscribe(topic, JSON.stringify(clientData)), XML);
  equal([(await subscribe(topic)).status, await schema.faultsOf(printSubscribe(topic, "{}"))], [201, ""]);
  const refused = [
    await subscribe("nobody-was-told-of-this-topic"),
    await registerAt(alice, "/", service.subscribe()),
    await registerAt(alice, "/alice/work/", { ...service.subscribe(), address: "http://push.example/" }),
  ];
  for (const { status, text } of refused) equal([status, await schema.faultsOf(text)], [403, ""], text);

  await until(() => Promise.resolve(service.messages(device).length > 0 && service.messages(phone).length > 0));
  await alice.putEvent("/alice/work/", "1");
  await alice.rename("/alice/work/", "Work");
  await until(() => Promise.resolve(service.messages(device).length > 1));
  for (const { text } of service.messages(device)) equal(await schema.faultsOf(text), "", text);
  for (const { text } of service.messages(phone)) ok(isValid("pushed", JSON.parse(text)), text);
});

const ALL_OF_TC_PUSH = [
  "push-subscribe-URL",
  "subscribe-URL",
  "supported-transport-set",
  "topic",
  "refresh-interval",
  "version",
  "push-version",
].map((name) => `<T:${name} xmlns:T="${TC_PUSH}"/>`).join("");

function printSubscribe(topic: string, clientData: string): string {
  return `<T:subscribe xmlns:T="${TC_PUSH}"><T:topic>${topic}</T:topic><T:selected-transport>` +
    `<T:transport-uri>urn:ietf:rfc:8030</T:transport-uri><T:client-data>${clientData}</T:client-data>` +
    "</T:selected-transport></T:subscribe>";
}

const MESSAGE = { topic: "a", timestamp: "2026-11-23T12:00:00Z" };

Deno.test("advertising: what the JSON schema takes the gateway takes, and what it refuses is refused", async () => {
  const good = [
    {},
    { priority: 0, update: "property", depth: 0, properties: ["{DAV:}displayname"] },
    {
      update: ["content", "property"],
      "sync-token": "1",
      "client-id": "x",
      data: "",
      timestamp: "2026-11-23T12:00:00.5+01:00",
    },
  ];
  for (const more of good) {
    const message = { ...MESSAGE, ...more };
    ok(isValid("message", message), JSON.stringify(ajv.errors));
    equal(parsePush({ messages: [message] }, "bad_request", "https://hub.example/").length, 1);
  }
  const bad = [
    { topic: undefined },
    { timestamp: "yesterday" },
    { priority: 101 },
    { update: "all" },
    { update: [] },
    { depth: 2 },
    { properties: ["displayname"] },
    { data: 1 },
    { "client-id": "" },
  ];
  for (const more of bad) {
    const message = { ...MESSAGE, ...more };
    ok(!isValid("message", message), JSON.stringify(message));
    await refuses("bad_request", () => parsePush({ messages: [message] }, "bad_request", "https://hub.example/"));
  }
  const clientData = { endpoint: "https://push.example/a", keys: { p256dh: "A".repeat(87), auth: "B".repeat(22) } };
  ok(isValid("clientData", clientData) && parseClientData(JSON.stringify(clientData)).endpoint);
  for (const more of [{ minPriority: 101 }, { maxDelay: -1 }, { clientId: "" }, { triggers: [] }, { keys: 1 }]) {
    const bad = { ...clientData, ...more };
    ok(!isValid("clientData", bad), JSON.stringify(bad));
    await refuses("bad_request", () => parseClientData(JSON.stringify(bad)));
  }
});
