import fc from "fast-check";
import { InvalidSubscription, parsePushRegister } from "../../src/wire/push_register.ts";
import { equal, ok } from "../helpers/assert.ts";

const KEYS = {
  p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
  auth: "BTBZMqHH6r4Tts7J_aSIgg",
};
const ADDRESS = "https://up.example.net/yohd4yai5Phiz1wi";

const fixture = (name: string) => Deno.readTextFileSync(new URL(`../fixtures/webdav-push/${name}`, import.meta.url));

Deno.test("push register: DAVx5 up to 4.5 names neither a trigger nor an encoding", () => {
  const expiresAt = Date.UTC(2026, 10, 25, 10);
  const triggers = { content: { depth: "1" as const } };
  equal(parsePushRegister(fixture("davx5-4.5-register.xml")), { address: ADDRESS, keys: KEYS, triggers, expiresAt });
});

Deno.test("push register: the next DAVx5 names both, in another order and with prefixes", () => {
  const expiresAt = Date.UTC(2026, 10, 25, 10);
  const triggers = { content: { depth: "1" as const } };
  equal(parsePushRegister(fixture("davx5-next-register.xml")), { address: ADDRESS, keys: KEYS, triggers, expiresAt });
});

Deno.test("push register: the draft's own sample", () => {
  const triggers = {
    content: { depth: "infinity" as const },
    property: { depth: "0" as const, props: ["{DAV:}displayname", "{DAV:}owner"] },
  };
  const expiresAt = Date.UTC(2023, 11, 20, 10, 3, 31);
  equal(parsePushRegister(fixture("sample-push-register.xml")), { address: ADDRESS, keys: KEYS, triggers, expiresAt });
});

const SUBSCRIPTION = `<subscription><web-push-subscription><push-resource>${ADDRESS}</push-resource>` +
  `<subscription-public-key type="p256dh">${KEYS.p256dh}</subscription-public-key>` +
  `<auth-secret>${KEYS.auth}</auth-secret></web-push-subscription></subscription>`;
const register = (more: string, subscription = SUBSCRIPTION) =>
  `<push-register xmlns="https://bitfire.at/webdav-push" xmlns:D="DAV:">${subscription}${more}</push-register>`;

Deno.test("push register: triggers and depths that nobody knows fall back, or are left out", () => {
  const cases: [string, unknown][] = [
    ["", { content: { depth: "1" } }],
    ["<trigger/>", undefined],
    ["<trigger><other/></trigger>", undefined],
    ["<trigger><content-update/></trigger>", { content: { depth: "1" } }],
    ["<trigger><content-update><D:depth>2</D:depth></content-update><other/></trigger>", { content: { depth: "1" } }],
    ["<trigger><content-update><depth>0</depth></content-update></trigger>", { content: { depth: "1" } }],
    ["<trigger><content-update><D:depth> 0 </D:depth></content-update></trigger>", { content: { depth: "0" } }],
    ["<trigger><property-update/></trigger>", { property: { depth: "0", props: [] } }],
  ];
  for (const [trigger, triggers] of cases) equal(parsePushRegister(register(trigger))!.triggers, triggers, trigger);
});

Deno.test("push register: a date of another form is as if nobody had asked for one", () => {
  const dates = [
    "",
    "tomorrow",
    "2026-11-25T10:00:00Z",
    "Wed, 25 Nov 2026 10:00:00 +0100",
    "Wednesday, 25-Nov-26 10:00:00 GMT",
  ];
  for (const date of dates) equal(parsePushRegister(register(`<expires>${date}</expires>`))!.expiresAt, undefined);
});

Deno.test("push register: another document is not ours", () => {
  for (const text of ["<a/>", `<push-register xmlns="DAV:"/>`, `<x:push-register xmlns:x="https://bitfire.at/"/>`]) {
    equal(parsePushRegister(text), undefined);
  }
});

const BAD: Record<string, string> = {
  "nothing": "",
  "blanks": " \n",
  "no XML": "push-register",
  "half of it": register("").slice(0, 200),
  "a document type": `<!DOCTYPE a>${register("")}`,
  "entities": `<!DOCTYPE a [<!ENTITY b "c">]>${register("&b;")}`,
  "an entity that nobody knows": register("<expires>&b;</expires>"),
  "no subscription": register("", ""),
  "a subscription of another kind": register("", "<subscription><other/></subscription>"),
  "no address": register("", SUBSCRIPTION.replace(ADDRESS, "")),
  "no key": register("", SUBSCRIPTION.replace(/<subscription-public-key.*-key>/, "")),
  "no secret": register("", SUBSCRIPTION.replace(/<auth-secret.*-secret>/, "")),
  "a key of another type": register("", SUBSCRIPTION.replace('"p256dh"', '"rsa"')),
  "another encoding": register(
    "",
    SUBSCRIPTION.replace("<push-resource>", "<content-encoding>aesgcm</content-encoding><push-resource>"),
  ),
  "101 properties": register(
    `<trigger><property-update><D:prop>${"<D:a/>".repeat(101)}</D:prop></property-update></trigger>`,
  ),
  "a million nested elements": register("<a>".repeat(1_000_000)),
};

for (const [what, text] of Object.entries(BAD)) {
  Deno.test(`push register: ${what} is refused`, () => {
    const before = performance.now();
    try {
      ok(!parsePushRegister(text), "it was taken");
      throw new Error("it was not refused");
    } catch (thrown) {
      ok(thrown instanceof InvalidSubscription, `${thrown}`);
      // What was handed over can be pushed to, and is never said again.
      ok(!thrown.message.includes("up.example.net") && !thrown.message.includes(KEYS.auth));
    }
    ok(performance.now() - before < 500);
  });
}

Deno.test("push register: any text is read, or refused", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "<push-register",
      ' xmlns="https://bitfire.at/webdav-push"',
      ">",
      "<subscription>",
      "</subscription>",
      "<trigger/>",
    ),
    fc.constantFrom(
      "<web-push-subscription>",
      "</web-push-subscription>",
      "<push-resource>",
      "</push-resource>",
      "<!--",
      "-->",
      "&amp;",
    ),
    fc.string({ maxLength: 8 }),
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
    try {
      parsePushRegister(pieces.join(""));
    } catch (thrown) {
      ok(thrown instanceof InvalidSubscription, `${thrown}`);
    }
  }));
});
