/** TCP: each address of the host takes connections. */
import { within } from "../../src/store/deadline.ts";
import type { Deployment } from "./deployment.ts";
import { addressesOf } from "./names.ts";
import { fail, ok, type Verdict, warn } from "./verdict.ts";

/** Milliseconds. */
const TIMEOUT = 4_000;

export async function checkConnections({ host, port, elapsed }: Deployment): Promise<Verdict> {
  const addresses = await addressesOf(host), began = elapsed();
  const faults = await Promise.all(addresses.map((address) => connect(address, port)));
  const refused = addresses.flatMap((address, at) => faults[at] ? [`${address}: ${faults[at]}`] : []);
  if (refused.length === 0) return ok(`port ${port} takes connections, in ${Math.round(elapsed() - began)} ms`);
  if (refused.length < addresses.length) {
    return warn(
      `port ${port} is closed at ${refused.join("; ")}`,
      "Let the server listen there too ([::]:443 in nginx), or remove that address from DNS: clients may try it first.",
    );
  }
  return fail(
    `port ${port} takes no connection at ${refused.join("; ")}`,
    "Start the worker and the proxy (systemctl status carillon nginx), and open the port in the firewall.",
  );
}

/** Why not; undefined where it works. */
async function connect(hostname: string, port: number): Promise<string | undefined> {
  const connecting = Deno.connect({ hostname, port });
  connecting.then((connection) => connection.close(), () => {});
  try {
    await within(TIMEOUT, connecting, () => new Error("no answer"));
  } catch (thrown) {
    return thrown instanceof Deno.errors.ConnectionRefused ? "refused" : "no answer";
  }
}
