/** Cutting what is to be written into commits: KV allows 1,000 mutations, 81,920 bytes of keys and 819,200 bytes. */
import type { Mutation } from "../../store/shards.ts";

const MAX_MUTATIONS = 400;
const MAX_BYTES = 400_000;

/** At least one chunk, in the order of the mutations. */
export function* chunksOf(mutations: Mutation[]): Generator<Mutation[]> {
  let chunk: Mutation[] = [], bytes = 0;
  for (const mutation of mutations) {
    const size = mutation.value instanceof Uint8Array ? mutation.value.byteLength : 0;
    if (chunk.length >= MAX_MUTATIONS || bytes + size > MAX_BYTES) {
      yield chunk;
      [chunk, bytes] = [[], 0];
    }
    chunk.push(mutation);
    bytes += size;
  }
  yield chunk;
}
