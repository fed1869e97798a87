/** What an administrator trusts beside the public network: a host, one port of it, or a range of addresses. */
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** `range` is an address and the length of its prefix, for `ipaddr.js`. Without a `port` every one is meant. */
export type PushHost = { host: string; port?: number } | { range: Range };

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

/** Bits. A shorter prefix would trust a good part of all addresses. */
const SHORTEST = { ipv4: 8, ipv6: 16 };

/** IPv4 in IPv6's clothes: whoever trusted such a range would trust all of IPv4, private networks among it. */
const TRANSLATED = ["::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"].map((range) =>
  ipaddr.parseCIDR(range)
);

/** Reads `host`, `host:port`, an address, or a range of addresses such as `192.168.0.0/16`. Throws what is wrong. */
export function parsePushHost(text: string): PushHost {
  if (text.includes("*")) throw new Error("holds a wildcard: name each host");
  const [, address, prefix] = /^([\d.]+|[\da-f:.]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  return address && isIP(address) ? { range: parseRange(address, prefix) } : parseHost(text);
}

function parseRange(text: string, length: string | undefined): Range {
  const whole = ipaddr.parse(text);
  const bits = whole.kind() === "ipv4" ? 32 : 128;
  const [address, prefix] = unmap([whole, Number(length ?? bits)]);
  if (Number(length ?? 0) > bits) throw new Error("is no range of addresses");
  if (prefix < SHORTEST[address.kind()]) throw new Error("trusts too much: name a smaller range");
  if (TRANSLATED.some((other) => overlap(other, [address, prefix]))) {
    throw new Error("holds translated addresses: name the range of IPv4");
  }
  return [address, prefix];
}

function overlap([network, bits]: Range, [address, prefix]: Range): boolean {
  return network.kind() === address.kind() && address.match(network, Math.min(bits, prefix));
}

/** Behind ::ffff:0:0/96 are all addresses of IPv4. */
function unmap([address, prefix]: Range): Range {
  if (!(address instanceof ipaddr.IPv6) || !address.isIPv4MappedAddress()) return [address, prefix];
  return [address.toIPv4Address(), Math.max(0, prefix - 96)];
}

function parseHost(text: string): PushHost {
  const [, given = "", port] = /^(\[[\da-f:.]+\]|[^:/?#@\\%]*[^:/?#@\\%.])(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const host = URL.parse(`https://${given}/`)?.hostname;
  // Other notations of an address, such as 10.1, are mistakes.
  const isOdd = host !== undefined && isIP(host) !== 0 && host !== given;
  if (!host || isOdd || Number(port) > 65535) throw new Error("is no host, host:port, address or range of addresses");
  return { host, ...(port && { port: Number(port) }) };
}
