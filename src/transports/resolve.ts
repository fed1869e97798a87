/**
 * From the name of a host to its addresses. The system's own look-up blocks a thread until it has ended, and of those
 * there are few: strangers, whose name servers may be silent, are looked up in the DNS, by packets alone.
 */
import { lookup } from "node:dns/promises";
import type { Clock } from "../clock.ts";

/** All addresses of a host name; a trusted one may be known to this machine alone. Rejects when there is none. */
export type Resolve = (host: string, how: { isTrusted: boolean; signal: AbortSignal }) => Promise<string[]>;

/** Milliseconds that the second kind of address has after the first (RFC 8305 3), for slow resolvers. */
export const RESOLUTION_DELAY = 500;

type Deps = { clock: Clock; /** Another than the system's. */ nameServer?: { ipAddr: string; port: number } };

export function createResolve({ clock, nameServer }: Deps): Resolve {
  return (host, { isTrusted, signal }) => isTrusted ? askSystem(host) : askDns(host, signal);

  async function askDns(host: string, signal: AbortSignal): Promise<string[]> {
    const late = new AbortController(), options = { nameServer, signal: AbortSignal.any([signal, late.signal]) };
    // The last dot: no search domain of this machine is tried.
    const kinds = (["A", "AAAA"] as const).map((kind) => Deno.resolveDns(`${host}.`, kind, options));
    Promise.any(kinds).then(() => clock.wait(RESOLUTION_DELAY, options.signal)).then(() => late.abort(), () => {});
    const found = await Promise.allSettled(kinds);
    late.abort();
    return addressesOf(found);
  }
}

async function askSystem(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function addressesOf(found: PromiseSettledResult<string[]>[]): string[] {
  const addresses = found.flatMap((kind) => kind.status === "fulfilled" ? kind.value : []);
  if (addresses.length === 0) throw new Error("the name has no address");
  return addresses;
}
