/** The text of a push, in the protocol that the subscriber speaks; printed once for all who are told the same. */
import type { Message } from "../model/delivery.ts";
import type { Merged } from "../model/merge.ts";
import type { Subscriber } from "../model/subscription.ts";
import { printPush } from "../wire/push_message.ts";
import { printWebdavPush } from "../wire/webdav_push_message.ts";

const encoder = new TextEncoder();

/** `smallest`: with the least that says what changed. */
export function printFor({ wireTopic }: Subscriber, message: Message, options?: { smallest: boolean }): Uint8Array {
  const text = wireTopic === undefined ? printPush(message, options) : printWebdavPush(wireTopic, message, options);
  return encoder.encode(text);
}

/** Answers the bytes of a message; they are kept as long as the merged change is. */
export function createPlaintexts(): (subscriber: Subscriber, message: Message) => Uint8Array {
  const known = new WeakMap<Merged, { topic: string; bytes: Uint8Array }>();
  return (subscriber, message) => {
    // Of WebDAV-Push each has a topic of its own.
    if (!message || subscriber.wireTopic !== undefined) return printFor(subscriber, message);
    const found = known.get(message.merged);
    if (found?.topic === message.topic) return found.bytes;
    const bytes = printFor(subscriber, message);
    known.set(message.merged, { topic: message.topic, bytes });
    return bytes;
  };
}
