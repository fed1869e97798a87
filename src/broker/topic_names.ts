/** What clients of a DAV server call its collections: names that tell nothing, and differ from user to user. */
import { aessiv } from "@noble/ciphers/aes.js";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { shortHash } from "../model/short_hash.ts";

export type TopicNames = ReturnType<typeof createTopicNames>;

const encoder = new TextEncoder(), decoder = new TextDecoder();

/** `hashKey` is the database's own: the names are the same after a restart, and at every worker. */
export function createTopicNames(hashKey: string) {
  const key = createHash("sha512").update(JSON.stringify(["topic names", hashKey])).digest();
  // RFC 5297: the same text always gives the same name, and what we never gave opens nothing.
  const cipher = () => aessiv(key);

  return {
    /** 22 characters. */
    hash: (owner: string, topic: string): string => shortHash(hashKey, owner, "topic", topic),

    /** A name that can be opened again. */
    seal: (owner: string, topic: string): string =>
      Buffer.from(cipher().encrypt(encoder.encode(JSON.stringify([owner, topic])))).toString("base64url"),

    /** Whose a sealed name is, and the topic behind it; undefined when it is none. */
    open(name: string): { owner: string; topic: string } | undefined {
      try {
        const [owner, topic] = JSON.parse(decoder.decode(cipher().decrypt(Buffer.from(name, "base64url"))));
        return { owner, topic };
      } catch {
        return undefined;
      }
    },
  };
}
