/** The text of a push, in the protocol that the subscriber speaks; printed once for all who are told the same. */
import type { Message } from "../model/delivery.ts";
import type { Merged } from "../model/merge.ts";
import type { Subscriber } from "../model/subscription.ts";
import { printPush } from "../wire/push_message.ts";
import { KEY_CHANGED, printWebdavPush } from "../wire/webdav_push_message.ts";

const encoder = new TextEncoder();

/** `smallest`: with the least that says what changed. */
export function printFor(subscriber: Subscriber, message: Message, options?: { smallest: boolean }): Uint8Array {
  const { protocol, wireTopic, confirmed } = subscriber, topic = wireTopic ?? message?.topic ?? "";
  if (protocol === "webdav-push" && confirmed && !message) return encoder.encode(KEY_CHANGED);
  if (protocol === "webdav-push") return encoder.encode(printWebdavPush(topic, message, options));
  return encoder.encode(printPush(message && { ...message, topic }, options));
}

/** Answers the bytes of a message; they are kept as long as the merged change is. */
export function createPlaintexts(): (subscriber: Subscriber, message: Message) => Uint8Array {
  const known = new WeakMap<Merged, { topic: string; bytes: Uint8Array }>();
  return (subscriber, message) => {
    // Clients of a DAV server have names of their own for a topic.
    if (!message || subscriber.wireTopic !== undefined) return printFor(subscriber, message);
    const found = known.get(message.merged);
    if (found?.topic === message.topic) return found.bytes;
    const bytes = printFor(subscriber, message);
    known.set(message.merged, { topic: message.topic, bytes });
    return bytes;
  };
}
