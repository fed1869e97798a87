/** A delivery: one message on its way to one subscription, and what came of it. */
import type { Merged } from "./merge.ts";
import type { Subscriber, Transport } from "./subscription.ts";

/**
 * What is told: a topic's merged changes. Undefined: the initial push, which says only that we are here; who is confirmed
 * is told by it that there is a new VAPID key.
 */
export type Message = { topic: string; merged: Merged } | undefined;

export type Delivery = {
  subscriber: Subscriber;
  message: Message;
  /** Names the topic to this one push service and subscriber: 22 characters that tell nothing (RFC 8030 5.4). */
  replaces?: string;
  /** Not to be delivered after, milliseconds since 1970. */
  until: number;
  /** How often it was tried before. */
  attempt: number;
};

/**
 * `reason`, for operators: the status, behind it what a vendor calls it, or a word of ours where there is none. Nothing of an
 * address or an answer is in it. `retry`: try again, not before `at` where that is set (milliseconds since 1970); `tried` is false when nothing was sent.
 * `gone`: the subscription has ended. `rejected`: this message will never be taken.
 */
export type Outcome =
  | { kind: "delivered" }
  | { kind: "retry"; at?: number; tried: boolean; reason?: string }
  | { kind: "gone"; reason?: string }
  | { kind: "rejected"; reason?: string };

/** Sends one delivery. Never throws. */
export type Send = (delivery: Delivery) => Promise<Outcome>;

/** One that is not offered any more holds what it is to send. */
export type Senders = Record<Transport, Send>;
