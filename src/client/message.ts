/** One message of a subscription, as its event tells it, and as it is given out. */
import { fromBase64Url } from "./base64url.ts";
import { decrypt } from "./decrypt.ts";
import { undecryptable } from "./decrypt_records.ts";
import type { StreamItem } from "./event_stream.ts";
import type { ReceiverKeys } from "./keys.ts";
import { ReceiverError } from "./receiver_error.ts";

/** RFC 8030 5.3, the least urgent first. */
export const URGENCIES = ["very-low", "low", "normal", "high"] as const;

export type Urgency = typeof URGENCIES[number];

export type Message = {
  /** What was sent, decrypted; empty where nothing was. */
  data: Uint8Array<ArrayBuffer>;
  /** The same as UTF-8. */
  text: () => string;
  urgency: Urgency;
  /** RFC 8030 5.4: a newer one with an equal topic takes its place. */
  topic?: string;
  /** The event's. */
  id: string;
};

/** `address` is the message resource, `body` as it was pushed, with its content coding. */
export type Envelope = {
  address: string;
  id: string;
  urgency: Urgency;
  topic?: string;
  encoding?: string;
  body: Uint8Array<ArrayBuffer>;
};

/** Reads the event of a message at this push service. Throws `malformed`. */
export function readEnvelope({ data, id }: Extract<StreamItem, { kind: "event" }>, origin: string): Envelope {
  const { message, encoding, urgency, topic, body } = parse(data) ?? {};
  const bytes = typeof body === "string" ? fromBase64Url(body) : undefined,
    known = URGENCIES.find((u) => u === urgency);
  if (!isOurs(message, origin) || !bytes || !known) {
    throw new ReceiverError("malformed", "an event was left out: it is no message", { id });
  }
  const texts = { ...(typeof topic === "string" && { topic }), ...(typeof encoding === "string" && { encoding }) };
  return { address: message, id, urgency: known, body: bytes, ...texts };
}

/** Decrypts it. Throws `undecryptable`. */
export async function openEnvelope({ id, urgency, topic, ...sealed }: Envelope, keys: ReceiverKeys): Promise<Message> {
  const data = await openBody(sealed, keys);
  return { data, text: () => new TextDecoder().decode(data), urgency, ...(topic !== undefined && { topic }), id };
}

/** A message without a body is a signal that has nothing to hide (Push API 9.2). */
async function openBody({ body, encoding }: Pick<Envelope, "body" | "encoding">, keys: ReceiverKeys) {
  if (body.byteLength === 0) return body;
  if (encoding !== "aes128gcm") throw undecryptable("its content coding is not aes128gcm");
  return await decrypt(body, keys);
}

/** Whoever writes into the stream must not make us send requests to others. */
function isOurs(address: unknown, origin: string): address is string {
  return typeof address === "string" && URL.canParse(address) && new URL(address).origin === origin;
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? value : undefined;
  } catch {
    return undefined;
  }
}
