/** A transport: a way to reach a client, as it is offered to whoever chooses one, and as it is sent by. */
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
  readTarget: (handed: Handed) => Target;
};

export type Transport = {
  offer: Offer;
  send: Send;
  /** To be called once a second. */
  tick: () => void;
  /** For gauges: origins that rest, requests on their way, and those that wait for a place. */
  stats: () => { open: number; inFlight: number; waiting: number };
  close: () => void;
};
