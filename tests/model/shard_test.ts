import { shardOf, SHARDS } from "../../src/model/shard.ts";
import { shortHash } from "../../src/model/short_hash.ts";
import { equal, ok } from "../helpers/assert.ts";

Deno.test("shard: topics are spread evenly over all of them", () => {
  const counts = new Array<number>(SHARDS).fill(0);
  for (let n = 0; n < 16_000; n++) counts[shardOf(shortHash(`t/${n}`))]!++;
  equal(counts.length, 16);
  ok(Math.min(...counts) > 850 && Math.max(...counts) < 1_150, counts.join());
});
