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
  "64:ff9b::/96", // NAT64: IPv4 in disguise
  "64:ff9b:1::/48",
  "100::/64",
  "2001::/32", // Teredo
  "2001:db8::/32",
  "2002::/16", // 6to4
  "fc00::/7",
  "fe80::/10",
  "fec0::/10",
  "ff00::/8",
].map((range) => ipaddr.parseCIDR(range));

/** Reads an address; one of IPv4 that IPv6 maps (::ffff:0:0/96) counts as what it maps. Undefined when it is none. */
export function parseIp(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  return ipaddr.isValid(text) ? ipaddr.process(text) : undefined;
}

export function isBlocked(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return BLOCKED.some(([network, bits]) => address.kind() === network.kind() && address.match(network, bits));
}
