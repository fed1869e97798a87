/** Addresses that no stranger may aim us at: none of them is a public host (IANA special-purpose registries). */
import ipaddr from "ipaddr.js";

const BLOCKED = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10", // carrier-grade NAT
  "127.0.0.0/8",
  "168.63.129.16/32", // Azure's host agent
  "169.254.0.0/16", // link-local, and the metadata service of every cloud
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24", // 6to4 relays
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::/96", // unspecified, loopback, and IPv4 in a form long gone
  "::ffff:0:0:0/96", // IPv4 as a translator writes it
  "64:ff9b:1::/48", // NAT64 of a network of one's own
  "100::/64",
  "100:0:0:1::/64",
  "2001::/32", // Teredo
  "2001:2::/48",
  "2001:20::/28", // hashes, no addresses
  "2001:db8::/32",
  "2002::/16", // 6to4
  "3fff::/20",
  "5f00::/16", // segment routing
  "fc00::/7",
  "fe80::/10",
  "fec0::/10",
  "ff00::/8",
].map((range) => ipaddr.parseCIDR(range));

/** NAT64 (RFC 6052 2.1): where there is no IPv4, DNS64 gives every host that has nothing else such an address. */
const NAT64 = ipaddr.parseCIDR("64:ff9b::/96");

/**
 * Reads an address; one of IPv4 that IPv6 maps (::ffff:0:0/96) or NAT64 translates counts as what is behind it.
 * Undefined when it is none.
 */
export function parseIp(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (!ipaddr.isValid(text)) return undefined;
  const address = ipaddr.process(text);
  if (!(address instanceof ipaddr.IPv6) || !address.match(...NAT64)) return address;
  return new ipaddr.IPv4(address.toByteArray().slice(12));
}

export function isBlocked(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return BLOCKED.some(([network, bits]) => address.kind() === network.kind() && address.match(network, bits));
}
