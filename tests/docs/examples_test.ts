/** Examples that stand in the documents to be copied: whoever reads such a thing takes it, and reads what it says. */
import { readConfig } from "../../src/config.ts";
import { parsePush } from "../../src/wire/push_message.ts";
import { parseClientData, parsePushSubscribe } from "../../src/wire/subscription_request.ts";
import { equal, ok } from "../helpers/assert.ts";
import { documentOf } from "../helpers/document.ts";
import { p256Pem } from "../helpers/vendor_accounts.ts";

const [readme, protocols, vendors] = await Promise.all(
  ["README.md", "docs/protocols.md", "docs/vendors.md"].map((path) => documentOf(path)),
);

Deno.test("vendors: the account at Apple is one, with a key in the place of the one that is left out", () => {
  const shown = JSON.parse(vendors!.textOf("json apns"));
  equal(shown.key.split("\n"), ["-----BEGIN PRIVATE KEY-----", "…", "-----END PRIVATE KEY-----", ""]);
  const { apns } = readConfig({ CARILLON_APNS: JSON.stringify({ ...shown, key: p256Pem() }) });
  equal([apns?.teamId, apns?.keyId, apns?.topic], [shown.teamId, shown.keyId, shown.topic]);
});

Deno.test("protocols: the push-subscribe is one, and so is its client-data", () => {
  const read = parsePushSubscribe(JSON.parse(protocols!.textOf("json subscribe"))["push-subscribe"]);
  equal([read.transportUri, read.topics.length], ["urn:ietf:rfc:8030", 1]);
  equal(Object.keys(parseClientData(read.clientData).keys!), ["p256dh", "auth"]);
});

Deno.test("readme: Radicale's hook has every option of the example", async () => {
  const hook = await Deno.readTextFile("scripts/radicale/carillon_hook.py");
  const options = [...readme!.textOf("ini hook").matchAll(/^(carillon_\w+) = /gm)].map(([, option]) => option!);
  equal(options.filter((option) => !hook.includes(`"${option}": {"value"`)), []);
  equal(options.length, 4);
});

Deno.test("readme: what a stream shows of a change is a change", () => {
  const { id, data } = /^id: (?<id>.*)\ndata: (?<data>.*)\n$/.exec(readme!.textOf("text stream"))!.groups!;
  ok(/^#[\w-]{8}\.[\da-f]{20}\.\d$/.test(id!), id);
  equal(parsePush({ messages: [JSON.parse(data!)] }, "bad_request", "http://localhost:8411").length, 1);
});

Deno.test("docs: every task that a document names is one", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile("deno.json")) as { tasks: Record<string, string> };
  const documents = Deno.readDirSync("docs").map(({ name }) => `docs/${name}`).filter((name) => name.endsWith(".md"));
  for (const document of ["README.md", "CONTRIBUTING.md", ...documents]) {
    const named = (await Deno.readTextFile(document)).matchAll(/\bdeno(?:@[\d.]+)? task ([\w:-]+)/g);
    for (const [, name] of named) ok(name! in tasks, `${document}: deno task ${name}`);
  }
});
