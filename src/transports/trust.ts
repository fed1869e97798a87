/** Whom the administrator trusts (`CARILLON_PUSH_HOSTS`): push services that are not on the public network. */
import type ipaddr from "ipaddr.js";
import type { PushHost } from "../model/push_host.ts";

export type Trust = {
  /** A host as `URL.hostname` has it, at this port. */
  host: (hostname: string, port: number) => boolean;
  address: (address: ipaddr.IPv4 | ipaddr.IPv6) => boolean;
};

export function createTrust(trusted: PushHost[]): Trust {
  const ranges = trusted.flatMap((entry) => "range" in entry ? [entry.range] : []);
  const hosts = trusted.filter((entry) => "host" in entry);
  return {
    host: (hostname, port) => hosts.some((entry) => entry.host === hostname && (entry.port ?? port) === port),
    address: (address) =>
      ranges.some(([network, bits]) => address.kind() === network.kind() && address.match(network, bits)),
  };
}
