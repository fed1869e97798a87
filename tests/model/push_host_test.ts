import fc from "fast-check";
import { parsePushHost, type PushHost } from "../../src/model/push_host.ts";
import { equal, ok } from "../helpers/assert.ts";

function read(text: string): unknown {
  const entry = parsePushHost(text);
  return "range" in entry ? `${entry.range[0]}/${entry.range[1]}` : entry;
}

function isRefused(text: string): boolean {
  try {
    return !parsePushHost(text);
  } catch {
    return true;
  }
}

const GOOD: Record<string, unknown> = {
  "push.lan": { host: "push.lan" },
  "localhost": { host: "localhost" },
  "Push.Example:8443": { host: "push.example", port: 8443 },
  "push.example:443": { host: "push.example", port: 443 },
  "bücher.example": { host: "xn--bcher-kva.example" },
  "10.1.2.3": "10.1.2.3/32",
  "10.0.0.0/8": "10.0.0.0/8",
  "192.168.7.9/24": "192.168.7.9/24",
  "127.0.0.1:8443": { host: "127.0.0.1", port: 8443 },
  "fd00::1": "fd00::1/128",
  "fd12:3456::/32": "fd12:3456::/32",
  "[fd00::1]:8443": { host: "[fd00::1]", port: 8443 },
  "::ffff:10.0.0.0/104": "10.0.0.0/8",
};

for (const [text, entry] of Object.entries(GOOD)) {
  Deno.test(`push host: ${text} is read`, () => equal(read(text), entry));
}

const EVERYTHING = [
  "*",
  "*.example",
  "push.*",
  "0.0.0.0/0",
  "::/0",
  "10.0.0.0/7",
  "0.0.0.0/1",
  "fd00::/15",
  "2000::/3",
  "::ffff:0:0/96",
  "::ffff:0:0/103",
  "64:ff9b::/96",
  "64:ff9b::/16",
  "64:ff9b::a00:0/104",
  "64:ff9b:1::/48",
  "2001::/32",
  "2001::/16",
  "2002::/16",
  "2002:a00::/24",
  "::ffff:0:a00:0/104",
  "*:443",
];

for (const text of EVERYTHING) {
  Deno.test(`push host: ${text}, which would trust everything, is refused`, () => ok(isRefused(text)));
}

const BAD = [
  "",
  " ",
  "/",
  "/8",
  ":443",
  "a:",
  "a:b",
  "a:65536",
  "a:-1",
  "a/b",
  "https://a",
  "a@b",
  "a#b",
  "a?b",
  "a.",
  "10.0.0.0/33",
  "10.0.0.0/",
  "10.0.0.0/8/8",
  "10.0.0.0/-8",
  "10.0.0.0/8.0",
  "fd00::/129",
  "fe80::1%eth0",
  "10.1",
  "0x7f.1",
  "127.1",
  "2130706433",
  "010.0.0.1",
  "[::1",
  "[10.0.0.1]",
  "::1]:1",
  "1.2.3.4.5",
  "256.0.0.1",
  "a b",
  "a\\b",
  "%41.example",
];

for (const text of BAD) {
  Deno.test(`push host: ${JSON.stringify(text)} is refused`, () => ok(isRefused(text)));
}

Deno.test("push host: any text is an entry of bounded breadth, or is refused", () => {
  const pieces = fc.constantFrom(
    "0",
    "10",
    "255",
    ".",
    ":",
    "::",
    "/",
    "8",
    "32",
    "f",
    "fd00",
    "[",
    "]",
    "*",
    "a",
    "lan",
    "443",
    "%",
    "@",
  );
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.array(pieces).map((p) => p.join("")), fc.ipV4(), fc.ipV6()), (text) => {
      if (isRefused(text)) return;
      const entry: PushHost = parsePushHost(text);
      if ("range" in entry) ok(entry.range[1] >= (entry.range[0].kind() === "ipv4" ? 8 : 16));
      else equal(entry.host, new URL(`https://${entry.host}/`).hostname);
    }),
    { numRuns: 500 },
  );
});
