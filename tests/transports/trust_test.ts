import { parsePushHost } from "../../src/model/push_host.ts";
import { parseIp } from "../../src/transports/blocked_addresses.ts";
import { createTrust } from "../../src/transports/trust.ts";
import { equal } from "../helpers/assert.ts";

const trust = createTrust(["push.lan", "ntfy.lan:8443", "10.0.0.0/8", "192.168.1.1", "fd00::/16"].map(parsePushHost));

Deno.test("trust: a host is trusted at every port, or at the one that is named", () => {
  equal([trust.host("push.lan", 443), trust.host("push.lan", 1)], [true, true]);
  equal([trust.host("ntfy.lan", 8443), trust.host("ntfy.lan", 443)], [true, false]);
  equal([trust.host("a.push.lan", 443), trust.host("lan", 443), trust.host("10.0.0.1", 443)], [false, false, false]);
});

Deno.test("trust: an address is trusted within its range alone, of its own kind", () => {
  const trusted = (text: string) => trust.address(parseIp(text)!);
  equal(["10.255.0.1", "192.168.1.1", "fd00::9", "::ffff:10.0.0.1"].map(trusted), [true, true, true, true]);
  equal(["11.0.0.0", "192.168.1.2", "fd01::", "127.0.0.1", "::1", "::a00:1"].map(trusted), [
    false,
    false,
    false,
    false,
    false,
    false,
  ]);
});

Deno.test("trust: nobody is trusted where nothing is set", () => {
  const nobody = createTrust([]);
  equal([nobody.host("push.lan", 443), nobody.address(parseIp("127.0.0.1")!)], [false, false]);
});
