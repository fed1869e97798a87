import fc from "fast-check";
import { MAX_PLAINTEXT } from "../../src/wire/aes128gcm.ts";
import { printWebdavPush } from "../../src/wire/webdav_push_message.ts";
import { component } from "../helpers/component.ts";
import { equal, ok } from "../helpers/assert.ts";
import { faultsOf, findXmllint } from "../helpers/xmllint.ts";

const TOPIC = "O7M1nQ7cKkKTKsoS_j6Z3w";
const part = { depths: ["1" as const], except: [], timestamp: 1 };

const print = (more: object, topic = TOPIC) =>
  printWebdavPush(topic, { topic: "https://dav.example/a/", merged: { priority: 50, timestamp: 1, ...more } });

const HEAD =
  '<?xml version="1.0" encoding="UTF-8"?><push-message xmlns="https://bitfire.at/webdav-push" xmlns:D="DAV:">';

Deno.test("webdav push: it says the topic, what changed, and where to go on from", () => {
  const content = { ...part, syncToken: "http://example.com/sync/10?a=1&b=<2>" };
  equal(
    print({ content }),
    `${HEAD}<topic>${TOPIC}</topic><content-update><D:sync-token>http://example.com/sync/10?a=1&amp;b=&lt;2&gt;</D:sync-token></content-update></push-message>`,
  );
  equal(print({ content: part }), `${HEAD}<topic>${TOPIC}</topic><content-update/></push-message>`);
  const props = ["{DAV:}displayname", "{urn:x}color"];
  equal(
    print({ content: part, property: { ...part, props } }),
    `${HEAD}<topic>${TOPIC}</topic><content-update/><property-update><D:prop><D:displayname/><color xmlns="urn:x"/></D:prop></property-update></push-message>`,
  );
  equal(print({ property: { ...part, props: [] } }), `${HEAD}<topic>${TOPIC}</topic><property-update/></push-message>`);
});

Deno.test("webdav push: what does not fit is left out, names before the token, never that it changed", () => {
  const props = Array.from({ length: 100 }, (_, n) => `{urn:x}${"p".repeat(60)}${n}`);
  const content = { ...part, syncToken: "t" };
  const without = print({ content, property: { ...part, props } });
  ok(without.includes("<property-update/>") && without.includes(">t</D:sync-token>"));
  const least = print({ content: { ...part, syncToken: "&".repeat(1_024) }, property: { ...part, props } });
  equal(least, `${HEAD}<topic>${TOPIC}</topic><content-update/><property-update/></push-message>`);
});

Deno.test("webdav push: the smallest says no names, the initial push that there is something to look at", () => {
  const merged = {
    priority: 50,
    timestamp: 1,
    content: { ...part, syncToken: "t" },
    property: { ...part, props: ["{a}b"] },
  };
  equal(
    printWebdavPush(TOPIC, { topic: "a", merged }, { smallest: true }),
    `${HEAD}<topic>${TOPIC}</topic><content-update><D:sync-token>t</D:sync-token></content-update><property-update/></push-message>`,
  );
  equal(printWebdavPush(TOPIC, undefined), `${HEAD}<topic>${TOPIC}</topic><content-update/></push-message>`);
});

const test = await component("xmllint", findXmllint);

test("webdav push: whatever is told, it is a push-message by the schema, and fits", async (xmllint) => {
  const text = fc.string({ unit: "binary", maxLength: 300 });
  const name = fc.oneof(fc.constantFrom("{DAV:}displayname", "{urn:x}a", "{}b", "{urn:x}1a", "{urn:x}a:b"), text);
  const message = fc.record({
    content: fc.option(fc.record({ syncToken: fc.option(text, { nil: undefined }) }), { nil: undefined }),
    property: fc.option(fc.record({ props: fc.array(name, { maxLength: 20 }) }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(message, async ({ content, property }) => {
      const printed = print({
        ...(content && { content: { ...part, ...content } }),
        ...(property && { property: { ...part, ...property } }),
      });
      ok(new TextEncoder().encode(printed).byteLength <= MAX_PLAINTEXT);
      equal(await faultsOf(xmllint, printed, "push-message"), "", printed);
    }),
    { numRuns: 60 },
  );
});

test("webdav push: the draft's own samples are good by the same judge, and what is not is found", async (xmllint) => {
  const fixture = (name: string) => Deno.readTextFile(new URL(`../fixtures/webdav-push/${name}`, import.meta.url));
  equal(await faultsOf(xmllint, await fixture("sample-push-message.xml"), "push-message"), "");
  equal(await faultsOf(xmllint, await fixture("sample-push-register.xml"), "subscription-registration"), "");
  ok((await faultsOf(xmllint, print({ content: part }).replace("topic", "subject"), "push-message")) !== "");
});
