/** Web Push at a push service of Carillon's, for who has none: programs, and pages without notifications. */
import { createReceiver, type Exported, type Receiver, resumeReceiver } from "../receiver.ts";
import { ReceiverError } from "../receiver_error.ts";
import type { Fetch } from "../request.ts";
import { findToken, type Token } from "./token.ts";
import type { Channel, Hearing, Transport } from "./transport.ts";

type Options = {
  /** The push service's origin, and an access token with a subject. */
  url: string;
  token: Token;
  /** The way there, where it is another than the runtime's. */
  fetch?: Fetch;
  /** For a receiver that outlives the process: what `keep` was given last, as secret as a password. */
  kept?: Kept;
  keep?: (kept: Kept) => void;
};

/** A receiver, and the key that it is restricted to. */
export type Kept = Exported & { vapidKey: string };

/** A transport over one event stream. */
export function pushService({ url, token, fetch, kept, keep }: Options): Transport {
  let last = kept;

  return async ({ vapidKey }, pace) => {
    const given = { pace, ...(fetch && { fetch }) };
    if (vapidKey === undefined) return undefined;
    const receiver = last?.vapidKey === vapidKey
      ? await resumeReceiver(last, given)
      : await createReceiver({ url, token: await findToken(token), vapid: vapidKey, ...given });
    const save = () => {
      const next = last = { ...receiver.export(), vapidKey };
      // What it throws is the app's: it must not make the message come again.
      queueMicrotask(() => keep?.(next));
    };
    if (keep) save();
    const end = () => {
      last = undefined;
      return receiver.end();
    };
    return channelOf(receiver, keep && save, end);
  };
}

/** It is kept as of the message before: after a restart the last one may come again. */
function channelOf(receiver: Receiver, save: (() => void) | undefined, end: () => Promise<void>): Channel {
  return {
    transport: "push-service",
    subscription: receiver.subscription,
    lasts: save !== undefined,
    hear: ({ signal, onOpen, onFault, onMessage }: Hearing) =>
      receiver.listen({
        signal,
        onOpen,
        onFault: (fault) => isLost(fault) && onFault(fault),
        onMessage: (message) => {
          onMessage(message.text());
          save?.();
        },
      }),
    end,
  };
}

/** A message that cannot be read leaves the connection where it is. */
function isLost({ code, id }: ReceiverError): boolean {
  return code === "unavailable" || (code === "malformed" && id === undefined);
}
