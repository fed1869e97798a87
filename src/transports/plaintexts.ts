/** The text of a push, printed once for all who are told the same. */
import type { Message } from "../model/delivery.ts";
import type { Merged } from "../model/merge.ts";
import { printPush } from "../wire/push_message.ts";

const encoder = new TextEncoder();

/** Answers the bytes of a message; they are kept as long as the merged change is. */
export function createPlaintexts(): (message: Message) => Uint8Array {
  const known = new WeakMap<Merged, { topic: string; bytes: Uint8Array }>();
  return (message) => {
    if (!message) return encoder.encode(printPush(message));
    const found = known.get(message.merged);
    if (found?.topic === message.topic) return found.bytes;
    const bytes = encoder.encode(printPush(message));
    known.set(message.merged, { topic: message.topic, bytes });
    return bytes;
  };
}
