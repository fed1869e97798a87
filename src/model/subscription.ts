/** A subscription: who is to be told of which topics, where, and how. */
import type { Depth } from "./change.ts";

/** How a subscription is reached. */
export type Transport = "web-push" | "webhook" | "apns" | "fcm";

/** Names Web Push in the messages of CC/CD 70025: the RFC that defines it. */
export const WEB_PUSH = "urn:ietf:rfc:8030";

/** What of its topics' changes a subscription asks for. Neither trigger: everything. */
export type Triggers = {
  content?: { depth: Depth };
  /** `props` are Clark names; none means every property. */
  property?: { depth: Depth; props: string[] };
};

/** The user agent's keys (RFC 8291 2), base64url without padding: a point of 65 bytes, a secret of 16. */
export type PushKeys = { p256dh: string; auth: string };

/** What a transport must know besides the address, by its own names; of Web Push `PushKeys`. */
export type Keys = Readonly<Record<string, string>>;

/** A topic, and until when it is subscribed to, milliseconds since 1970. `wireTopic`: what a DAV client calls it. */
export type SubscribedTopic = { topic: string; wireTopic?: string; expiresAt: number };

export type Subscription = {
  id: string;
  /** A hash of the issuer and the subject of the token that made it. */
  owner: string;
  transport: Transport;
  /** A URL that a stranger gave us: the push resource, or where else its transport sends. */
  address: string;
  keys: Keys;
  topics: SubscribedTopic[];
  triggers: Triggers;
  /** Whose changes it is not told of (CC/CD 70025 `client-id`). */
  clientId?: string;
  /** It is not told of changes below, 0 to 100. */
  minPriority: number;
  /** How long a change may wait to be merged with others, seconds. */
  maxDelay: number;
  /** The public VAPID key that its push service knows us by: a point, base64url; empty where there is none. */
  vapidKey: string;
  /** Whose push messages it reads. Left out: those of CC/CD 70025. */
  protocol?: "webdav-push";
  /** Its address has answered once. Until then it gets nothing but one initial push. */
  confirmed: boolean;
};

/** All that a delivery needs to know of a subscription. */
export type Subscriber =
  & Pick<
    Subscription,
    | "id"
    | "owner"
    | "transport"
    | "address"
    | "keys"
    | "triggers"
    | "clientId"
    | "minPriority"
    | "vapidKey"
    | "protocol"
    | "confirmed"
  >
  & Pick<SubscribedTopic, "wireTopic" | "expiresAt">;

/** How many are stored. `At`: at one push service. `Of`: of one owner. */
export type Counts = {
  owned: number;
  ownedAt: number;
  unconfirmedOf: number;
  unconfirmedAt: number;
  confirmedAt: number;
};

/** One subscription: 100 topics at most (CC/CD 70025 sets no limit). */
export const MAX_TOPICS = 100;

/** Bytes of a push resource's address. */
export const MAX_ADDRESS = 1_000;

/** Seconds. What is asked for beyond is clamped; the `refresh-interval` of CC/CD 70025. */
export const REFRESH_INTERVAL = 7 * 24 * 3600;

/** Milliseconds since 1970: when its last topic ends. */
export function expiryOf({ topics }: Subscription): number {
  return Math.max(0, ...topics.map(({ expiresAt }) => expiresAt));
}

/** Whom an address belongs to, as quotas count and owners see: its origin, or of what is no URL of the web its scheme. */
export function serviceOf(address: string): string {
  const { origin, protocol } = new URL(address);
  return origin === "null" ? protocol : origin;
}
