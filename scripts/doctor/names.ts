/** DNS: the host has an address. */
import { lookup } from "node:dns/promises";
import type { Deployment } from "./deployment.ts";
import { fail, ok, type Verdict } from "./verdict.ts";

export async function checkNames({ host }: Deployment): Promise<Verdict> {
  const addresses = await addressesOf(host);
  if (addresses.length > 0) return ok(`${host} is ${addresses.join(", ")}`);
  return fail(
    `${host} has no address`,
    `Add an A or AAAA record for ${host} at your DNS provider, or correct the name in --url.`,
  );
}

/** All that the system's resolver knows of it. */
export async function addressesOf(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true }).catch(() => []);
  return [...new Set(found.map(({ address }) => address))];
}
