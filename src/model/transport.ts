/** A transport: a way to reach a client, as it is offered to whoever chooses one, and as it is sent by. */
import { CarillonError } from "../errors.ts";
import type { Send } from "./delivery.ts";
import type { Keys, Subscription, Transport as Name } from "./subscription.ts";

/** Where a new subscription leads. */
export type Target = Pick<Subscription, "transport" | "address" | "keys" | "vapidKey">;

/** What a client hands over: its address at the transport, and what the transport must know besides. */
export type Handed = { endpoint: string; keys?: Keys };

export type Offer = {
  name: Name;
  /** Names it in the messages of CC/CD 70025 (`transport-uri`). */
  uri: string;
  /** How soon a message that goes at once arrives, at a client that can be reached. */
  latency: "seconds" | "minutes";
  /** Whether it reaches a client that is closed. */
  reachesClosed: boolean;
  /** Seconds: a client must renew before they are over (CC/CD 70025 `refresh-interval`). */
  refreshInterval: number;
  /** Bytes of an address, and of a message as the client gets it. */
  limits: { addressBytes: number; messageBytes: number };
  /** What a client must know to subscribe, flat (CC/CD 70025 `transport-data`). */
  data: Readonly<Record<string, string>>;
  /** Reads what a client hands over. Throws `bad_request` or `bad_address`. */
  readTarget: (handed: Handed) => Target | Promise<Target>;
};

type Load = { open: number; inFlight: number; waiting: number };

export type Transport = {
  offer: Offer;
  send: Send;
  /** To be called once a second. */
  tick: () => void;
  /** For gauges and counters: `open` are origins that rest, `keysReady` what is made ahead, `faults` what went wrong by kind. */
  stats: () => Load & { faults: Record<string, number>; keysReady?: number };
  close: () => void | Promise<void>;
};

/** Reads where a client wants to be told, by the transport that it names. Throws `bad_request` or `bad_address`. */
export async function targetOf(offers: Offer[], uri: string, handed: Handed): Promise<Target> {
  return await findOffer(offers, uri).readTarget(handed);
}

/** The offer of a `transport-uri`. Throws `bad_request`. */
export function findOffer(offers: Offer[], uri: string): Offer {
  const found = offers.find((offer) => offer.uri === uri);
  if (found) return found;
  throw new CarillonError(
    "bad_request",
    "the subscription was refused: its transport is not offered, see GET /-/transports",
  );
}
