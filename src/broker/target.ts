/** Where a new subscription leads. */
import type { Keys, PushKeys, Transport } from "../model/subscription.ts";

export type Target = { transport: Transport; address: string; keys: Keys; vapidKey: string };

type Deps = {
  /** Checks the form of a push address, and answers it as it will be dialled. Throws `bad_address`. */
  checkAddress: (address: string) => URL;
  /** The public key that new subscriptions are made with. */
  vapidKey: string;
};

/** To a push service. Throws `bad_address`. */
export function targetOf(address: string, keys: PushKeys, { checkAddress, vapidKey }: Deps): Target {
  return { transport: "web-push", address: checkAddress(address).href, keys, vapidKey };
}
