import fc from "fast-check";
import { CarillonError } from "../../src/errors.ts";
import { parsePushHost } from "../../src/model/push_host.ts";
import { checkAddress } from "../../src/transports/push_address.ts";
import { MAX_ADDRESS } from "../../src/model/subscription.ts";
import { createTrust } from "../../src/transports/trust.ts";
import { text } from "../helpers/arbitraries.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";

const NOBODY = createTrust([]);
const LAN = createTrust(
  ["push.lan", "ntfy:8443", "10.0.0.0/8", "fd00::/16", "127.0.0.1:9443", "[::1]:9443"].map(parsePushHost),
);

const SECRET = "the-secret-of-an-address";

const GOOD = [
  "https://fcm.googleapis.com/fcm/send/c1:APA91b_-x",
  "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
  "https://web.push.apple.com/QOe",
  "https://wns2-par02p.notify.windows.com/w/?token=BQYAAA%2b%3d",
  "https://push.example:443/a",
  "HTTPS://PUSH.EXAMPLE/a",
  "https://xn--bcher-kva.example/",
  "https://a_b.push.example/",
  "https://1.push.example/",
  "https://local.example/",
  `https://push.example/${"a".repeat(MAX_ADDRESS - 21)}`,
];

for (const address of GOOD) {
  Deno.test(`push address: ${address.slice(0, 60)} is good`, () =>
    equal(checkAddress(address, NOBODY).href, new URL(address).href));
}

const BAD: Record<string, string[]> = {
  "no https": [
    "http://push.example/",
    "ws://push.example/",
    "push.example",
    "//push.example/",
    "data:,x",
    "",
    "https:",
  ],
  "another port": [
    "https://push.example:80/",
    "https://push.example:8443/",
    "https://push.example:0/",
    "https://push.example:65536/",
  ],
  "user information": [
    "https://a@push.example/",
    "https://a:b@push.example/",
    "https://@push.example/",
    "https://push.example:443@evil.example/",
    "https://:@push.example/",
  ],
  "a fragment": ["https://push.example/#", "https://push.example/a#b", "https://push.example#@evil.example/"],
  "IPv4": [
    "https://8.8.8.8/",
    "https://127.0.0.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://8.8.8.8:443/",
  ],
  "IPv4 as a number": [
    "https://2130706433/",
    "https://0x7f000001/",
    "https://017700000001/",
    "https://0x7f.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0177.0.0.1/",
    "https://0x7f.0x0.0x0.0x1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://4294967295/",
    "https://1.1/",
  ],
  "IPv4 with a dot behind it": ["https://127.0.0.1./", "https://2130706433./"],
  "IPv4 in other digits": [
    "https://１２７.0.0.1/",
    "https://①②⑦.⓪.⓪.①/",
    "https://%31%32%37.0.0.1/",
    "https://127。0。0。1/",
  ],
  "IPv6": [
    "https://[::1]/",
    "https://[::]/",
    "https://[2001:4860:4860::8888]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
  ],
  "IPv6 that maps IPv4": [
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[::ffff:8.8.8.8]/",
  ],
  "this machine": [
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://a.localhost/",
    "https://localhost:443/",
    "https://%6cocalhost/",
  ],
  "a name of a private network": [
    "https://push.local/",
    "https://a.b.internal/",
    "https://metadata.google.internal/computeMetadata",
    "https://push.LOCAL/",
  ],
  "a single label": ["https://push/", "https://metadata/", "https://com/", "https://intranet:443/"],
  "a dot at the end": ["https://push.example./", "https://push.local./", "https://push.example../"],
  "an empty or broken label": [
    "https://push..example/",
    "https://.example/",
    "https://-push.example/",
    "https://push-.example/",
    `https://${"a".repeat(64)}.example/`,
    `https://${"a.".repeat(126)}example/`,
  ],
  "no host": ["https:///push.example", "https:push.example", "https:/push.example", "https://?a", "https://"],
  "backslashes": [
    "https:\\\\push.example\\a",
    "https://push.example\\@evil.example/",
    "https://evil.example\\.push.example/",
  ],
  "white space": [
    " https://push.example/",
    "https://push.example/ ",
    "https://push.exa\tmple/",
    "https://push.example/a\nb",
    "ht\ntps://push.example/",
    "https://push.example/a b",
  ],
  "hidden characters": [
    "https://push.example/\0",
    "https://push.\u200dexample/",
    "https://push.example/\u202e",
    "https://püsh.example/",
    "https://push.example/ä",
  ],
  "too many bytes": [
    `https://push.example/${"a".repeat(MAX_ADDRESS - 20)}`,
    `https://push.example/${"a".repeat(100_000)}`,
    // 400 characters that become three each.
    `https://push.example/${'"'.repeat(400)}`,
  ],
  "a host that does not parse": [
    "https://push.exa[mple/",
    "https://[::1/",
    "https://a%b.example/",
    "https://a<b.example/",
  ],
};

for (const [what, addresses] of Object.entries(BAD)) {
  Deno.test(`push address: with ${what} it is refused, and not said`, async () => {
    for (const address of addresses) {
      const secret = address.length < MAX_ADDRESS - 100 && !address.includes("#") ? address + SECRET : address;
      for (const text of [address, secret]) {
        const { message } = await refuses("bad_address", () => checkAddress(text, NOBODY));
        ok(text.length < "https://a.b".length || !message.includes(text), message);
        ok(!message.includes(SECRET), message);
      }
    }
  });
}

Deno.test("push address: whom the administrator trusts may be anywhere", () => {
  const trusted = [
    "https://push.lan/a",
    "https://push.lan:8443/a",
    "https://ntfy:8443/up",
    "https://10.1.2.3/",
    "https://10.1.2.3:9443/",
    "https://0x0a.1/",
    "https://[fd00::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://127.0.0.1:9443/",
    "https://[::1]:9443/",
  ];
  for (const address of trusted) equal(checkAddress(address, LAN).href, new URL(address).href);
});

Deno.test("push address: trust in a host is not trust in its neighbours, other ports or forms", async () => {
  const others = [
    "https://a.push.lan:8443/",
    "https://push.lan.:8443/",
    "https://push.lan.evil.example:8443/",
    "https://ntfy/",
    "https://ntfy:8444/",
    "https://11.0.0.1/",
    "https://127.0.0.1/",
    "https://127.0.0.1:9444/",
    "https://[fd01::1]/",
    "https://a@push.lan/",
    "http://push.lan/",
    "https://push.lan/#a",
  ];
  for (const address of others) await refuses("bad_address", () => checkAddress(address, LAN));
});

Deno.test("push address: any text is https to a public name at port 443, or bad_address", () => {
  const pieces = fc.constantFrom(
    "https://",
    "https:",
    "/",
    "\\",
    "@",
    ":",
    "443",
    "[",
    "::1",
    "]",
    "127.0.0.1",
    "0x7f",
    ".",
    "localhost",
    "local",
    "push",
    "example",
    "%2e",
    "%00",
    "#",
    "?",
    "a",
    "\t",
    "。",
    "ａ",
  );
  const almost = fc.array(pieces, { maxLength: 10 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(text, fc.webUrl(), almost, almost.map((rest) => `https://${rest}`)), (address) => {
      try {
        const { protocol, port, username, password, hash, hostname, href } = checkAddress(address, NOBODY);
        equal(checkAddress(href, NOBODY).href, href);
        equal([protocol, port, username, password, hash], ["https:", "", "", "", ""]);
        ok(
          /^[a-z0-9._-]+\.[a-z][a-z0-9-]*$/.test(hostname) && !/\.(local|localhost|internal)$/.test(hostname),
          hostname,
        );
      } catch (thrown) {
        ok(thrown instanceof CarillonError && thrown.code === "bad_address", `${thrown}`);
      }
    }),
    { numRuns: 1_000 },
  );
});
