/** Shards: sixteen parts of all topics, each delivered by one worker at a time. */
export const SHARDS = 16;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The shard of a topic's hash, or of a subscription's id: both begin with a random character of base64url. */
export function shardOf(hash: string): number {
  return ALPHABET.indexOf(hash[0]!) >> 2;
}
