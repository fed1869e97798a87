/** What a push service of our own keeps (RFC 8030): who can be pushed to, and the messages that wait for them. */

/** RFC 8030 5.3, the least urgent first. */
export const URGENCIES = ["very-low", "low", "normal", "high"] as const;

export type Urgency = typeof URGENCIES[number];

/** A subscription's messages, or a receipt subscription's receipts. `id` is a hash of what its reader alone knows. */
export type Mailbox = {
  id: string;
  owner: string;
  /** A subscription has a push resource, a receipt subscription has none; both by their hashes. */
  push?: string;
  set?: string;
  /** The one key that may push to it (RFC 8292 4): a point, base64url. */
  vapidKey?: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
};

/** `body` is what was pushed, base64url; a receipt has the `status` of another message instead. */
export type PushMessage = {
  urgency: Urgency;
  /** Not to be delivered after, milliseconds since 1970. */
  until: number;
  /** A later message with the same one replaces it (RFC 8030 5.4). */
  topic?: string;
  encoding?: string;
  body?: string;
  /** The receipt subscription that hears of it. */
  receipt?: string;
  /** A receipt: the message that was acknowledged (204) or has expired (410). */
  of?: { message: string; status: 204 | 410 };
};

/** Where a message stands: its mailbox, and the commit that stored it. */
export type Placed = { mailbox: string; versionstamp: string };

/** A message that was read, and where it stands. */
export type KnownMessage = Placed & { message: PushMessage };

/** Whether a reader that wants no less than `least` is told of it. */
export function isUrgent({ urgency }: Pick<PushMessage, "urgency">, least: Urgency): boolean {
  return URGENCIES.indexOf(urgency) >= URGENCIES.indexOf(least);
}

/** Those of a mailbox, in their order, that are still to be told: not expired, and of one topic the newest alone. */
export function withoutReplaced<T extends { message: PushMessage }>(messages: T[], now: number): T[] {
  const newest = new Map(messages.map((each) => [each.message.topic, each]));
  return messages.filter((each) =>
    each.message.until > now && (each.message.topic === undefined || newest.get(each.message.topic) === each)
  );
}
