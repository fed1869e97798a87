import fc from "fast-check";
import { isBlocked, parseIp } from "../../src/transports/blocked_addresses.ts";
import { equal, ok } from "../helpers/assert.ts";

const blocked = (text: string) => isBlocked(parseIp(text)!);

/** The first and the last address of each range, and the nearest ones outside where those are public. */
const EDGES: [range: string, inside: string[], outside: string[]][] = [
  ["0.0.0.0/8", ["0.0.0.0", "0.255.255.255"], ["1.0.0.0"]],
  ["10.0.0.0/8", ["10.0.0.0", "10.255.255.255"], ["9.255.255.255", "11.0.0.0"]],
  ["100.64.0.0/10", ["100.64.0.0", "100.127.255.255"], ["100.63.255.255", "100.128.0.0"]],
  ["127.0.0.0/8", ["127.0.0.0", "127.0.0.1", "127.255.255.255"], ["126.255.255.255", "128.0.0.0"]],
  ["168.63.129.16", ["168.63.129.16"], ["168.63.129.15", "168.63.129.17"]],
  ["169.254.0.0/16", ["169.254.0.0", "169.254.169.254", "169.254.255.255"], ["169.253.255.255", "169.255.0.0"]],
  ["172.16.0.0/12", ["172.16.0.0", "172.31.255.255"], ["172.15.255.255", "172.32.0.0"]],
  ["192.0.0.0/24", ["192.0.0.0", "192.0.0.255"], ["191.255.255.255", "192.0.1.0"]],
  ["192.0.2.0/24", ["192.0.2.0", "192.0.2.255"], ["192.0.1.255", "192.0.3.0"]],
  ["192.88.99.0/24", ["192.88.99.0", "192.88.99.255"], ["192.88.98.255", "192.88.100.0"]],
  ["192.168.0.0/16", ["192.168.0.0", "192.168.255.255"], ["192.167.255.255", "192.169.0.0"]],
  ["198.18.0.0/15", ["198.18.0.0", "198.19.255.255"], ["198.17.255.255", "198.20.0.0"]],
  ["198.51.100.0/24", ["198.51.100.0", "198.51.100.255"], ["198.51.99.255", "198.51.101.0"]],
  ["203.0.113.0/24", ["203.0.113.0", "203.0.113.255"], ["203.0.112.255", "203.0.114.0"]],
  ["224.0.0.0/4", ["224.0.0.0", "239.255.255.255"], ["223.255.255.255"]],
  ["240.0.0.0/4", ["240.0.0.0", "255.255.255.255"], []],
  ["::/96", ["::", "::1", "::7f00:1", "::127.0.0.1"], ["0:0:0:0:0:1::"]],
  ["::ffff:0:0/96", ["::ffff:127.0.0.1", "::ffff:a00:1", "0:0:0:0:0:ffff:a9fe:a9fe"], ["::ffff:8.8.8.8"]],
  ["64:ff9b::/96", ["64:ff9b::", "64:ff9b::7f00:1", "64:ff9b::8.8.8.8"], ["64:ff9a::", "64:ff9b:0:0:0:1::"]],
  ["64:ff9b:1::/48", ["64:ff9b:1::", "64:ff9b:1:ffff::1"], ["64:ff9b:2::"]],
  ["100::/64", ["100::", "100::ffff:ffff:ffff:ffff"], ["100:0:0:1::"]],
  ["2001::/32", ["2001::", "2001:0:ffff::"], ["2000:ffff::", "2001:1::"]],
  ["2001:db8::/32", ["2001:db8::", "2001:db8:ffff::"], ["2001:db7::", "2001:db9::"]],
  ["2002::/16", ["2002::", "2002:7f00:1::", "2002:ffff::"], ["2003::"]],
  ["fc00::/7", ["fc00::", "fd00::1", "fdff:ffff::"], ["fbff::", "fe00::"]],
  ["fe80::/10", ["fe80::", "fe80::1%eth0", "febf::"], ["fe7f::"]],
  ["fec0::/10", ["fec0::", "feff::"], []],
  ["ff00::/8", ["ff00::", "ff02::1", "ffff::"], []],
];

for (const [range, inside, outside] of EDGES) {
  Deno.test(`blocked addresses: ${range} is, to its edges, and its neighbours are not`, () => {
    for (const address of inside) ok(blocked(address), address);
    for (const address of outside) ok(!blocked(address), address);
  });
}

Deno.test("blocked addresses: real push services are not", () => {
  for (const address of ["142.250.185.106", "34.107.221.82", "17.188.143.34", "2a00:1450:4001:82a::200a"]) {
    ok(!blocked(address));
  }
});

Deno.test("blocked addresses: one of IPv4 is blocked in IPv6's clothes exactly when it is blocked", () => {
  fc.assert(fc.property(fc.ipV4(), (address) => equal(blocked(`::ffff:${address}`), blocked(address))));
});

Deno.test("blocked addresses: any other text is no address", () => {
  for (const text of ["", "localhost", "1.2.3.4.5", "::g", "1.2.3.4/8", "[::1]"]) equal(parseIp(text), undefined);
  fc.assert(fc.property(fc.string(), (text) => void parseIp(text)));
});
