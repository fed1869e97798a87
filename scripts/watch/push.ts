/** Push by a push service of Carillon's, with a receiver that outlives the process. */
import { pushService, ReceiverError, type Transport } from "../../src/client/mod.ts";
import type { Place } from "./place.ts";

type Options = {
  /** The push service's origin. */
  url: string;
  /** Asked when a subscription is made, and not before: tokens end. */
  findToken: () => Promise<string>;
  place: Place;
};

/** A transport over one event stream. */
export function keptPush({ url, findToken, place }: Options): Transport {
  return async (offer, pace) => {
    if (offer.vapidKey === undefined) return undefined;
    const kept = place.read(), isKept = kept?.vapidKey === offer.vapidKey;
    const open = pushService({ url, token: findToken, keep: place.write, ...(kept && { kept }) });
    const channel = await open(offer, pace).catch((thrown) => {
      if (isKept) place.remove();
      throw explain(thrown);
    });
    const end = () => (place.remove(), channel!.end());
    return channel && { ...channel, end };
  };
}

function explain(thrown: unknown): unknown {
  if (!(thrown instanceof ReceiverError) || (thrown.status !== 401 && thrown.status !== 403)) return thrown;
  return new ReceiverError("refused", `${thrown.message}: the token has ended, or is none: deno task token makes one`);
}
