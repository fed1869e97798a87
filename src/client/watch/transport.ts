/** How a watch is told: a transport opens a channel, which brings messages. */
import type { ReceiverError } from "../receiver_error.ts";
import type { SubscriptionJson } from "../receiver.ts";
import type { Pace } from "../pace.ts";

/**
 * What a server offers: a VAPID key for whoever can be pushed to, a hub of the Mercure protocol for whoever listens, to the
 * addresses of the collections and of their home.
 */
export type Offer = { vapidKey?: string; hub?: string; topics: string[] };

export type Hearing = {
  /** Ends it. */
  signal: AbortSignal;
  /** It is connected: what is sent from now on comes, and what was kept meanwhile. */
  onOpen: () => void;
  /** A connection is lost; it is made again. */
  onFault: (fault: ReceiverError) => void;
  /** The text of a push, or of an event. */
  onMessage: (text: string) => void;
};

export type Channel = {
  transport: string;
  /** What collections are registered with; without one they need not be. */
  subscription?: SubscriptionJson;
  /** It outlives this process: its registrations are left where they are when the watch is closed. */
  lasts: boolean;
  /** Resolves when the signal aborts. Throws a `ReceiverError` when there is nothing more to hear. */
  hear: (hearing: Hearing) => Promise<void>;
  /** Gives it back. */
  end: () => Promise<void>;
};

/**
 * Opens a channel for an offer; undefined where it cannot: it runs elsewhere, or the user has not allowed it. It is not
 * given the watch's `fetch`, which may send the user's DAV credentials with whatever it asks.
 */
export type Transport = (offer: Offer, pace: Pace) => Promise<Channel | undefined>;
