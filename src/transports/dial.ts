/**
 * Dialling a push service. Every address that its name resolves to is checked, one that is blocked refuses the host, and
 * what was checked is what is dialled: the socket gets the checked addresses, and no second look-up can differ from the
 * first. An in-process CONNECT proxy would do the same for `fetch`, at twice the cost of a request.
 */
import { isIP, type LookupFunction } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { isBlocked, parseIp } from "./blocked_addresses.ts";
import { bareHost } from "./push_address.ts";
import type { Resolve } from "./resolve.ts";
import type { Trust } from "./trust.ts";

/** The name resolves to an address that nobody may aim us at. */
export class BlockedAddress extends Error {}

/** What a TLS connection to the host of a URL needs; its `lookup` throws `BlockedAddress`. */
export type DialOptions = ConnectionOptions & { host: string; port: number; lookup: LookupFunction };

/** Prepares dials to one host while the signal lasts. `ca` is a further authority, in PEM. */
export function dialOptions(
  url: URL,
  { resolve, trust, ca, signal }: { resolve: Resolve; trust: Trust; ca?: string; signal: AbortSignal },
): DialOptions {
  const host = bareHost(url.hostname), port = Number(url.port || 443);
  const isTrusted = trust.host(url.hostname, port);
  return {
    host,
    port,
    ca,
    // RFC 6066 3: an address is no server name.
    servername: isIP(host) ? undefined : host,
    lookup: (name, _options, answer) => {
      const found = resolve(name, { isTrusted, signal });
      const checked = found.then((addresses) => checkAll(addresses, (ip) => isTrusted || trust.address(ip)));
      checked.then((addresses) => answer(null, addresses.map(withFamily)), (fault) => answer(fault, []));
    },
  };
}

function checkAll(addresses: string[], isTrusted: Trust["address"]): string[] {
  // Nothing to dial: the socket would throw where nobody listens.
  if (addresses.length === 0) throw new Error("the name has no address");
  for (const address of addresses) {
    const ip = parseIp(address);
    if (!ip || isBlocked(ip) && !isTrusted(ip)) throw new BlockedAddress();
  }
  return addresses;
}

function withFamily(address: string): { address: string; family: number } {
  return { address, family: isIP(address) };
}

/** Opens a TLS connection that speaks HTTP/2 or, where that is all that the host can, HTTP/1.1. */
export function dial(options: DialOptions, signal: AbortSignal): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const socket = connect({ ...options, ALPNProtocols: ["h2", "http/1.1"] });
  const giveUp = () => void (socket.destroy(), reject(new Error("aborted")));
  signal.addEventListener("abort", giveUp, { once: true });
  socket.on("error", reject);
  socket.once("close", () => reject(new Error("closed")));
  socket.once("secureConnect", () => resolve(socket));
  return promise.finally(() => signal.removeEventListener("abort", giveUp));
}
