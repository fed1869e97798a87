/** Stored subscriptions: what they cost, how soon the first push is sent, and whether one topic holds up another. */
import { bigTopic } from "./big_topic.ts";
import { checkpoints } from "./checkpoints.ts";
import { firstPush } from "./first_push.ts";
import { startPushRecorder } from "./push_recorder.ts";
import { progress, type Report } from "./report.ts";
import { type Cost, storedCost } from "./stored_cost.ts";
import { median, quantile } from "./statistics.ts";

const WHOLE = {
  sizes: [1_000, 100_000, 1_000_000],
  rounds: 9,
  each: 150,
  big: 100_000,
  samples: 300,
  first: 200,
  seconds: 30,
};
const QUICK = { sizes: [1_000, 5_000, 20_000], rounds: 3, each: 30, big: 3_000, samples: 30, first: 30, seconds: 5 };

export async function subscriptions({ quick }: { quick: boolean }): Promise<Report> {
  await using recorder = await startPushRecorder();
  const size = quick ? QUICK : WHOLE;
  progress("subscriptions: the first push");
  const first = await firstPush(recorder, size.first);
  progress(`subscriptions: ${size.seconds} seconds of 1,000 changes each`);
  const written = await checkpoints(recorder, size.seconds);
  const held = await bigTopic(recorder, { subscribers: size.big, samples: size.samples });
  const costs = await storedCost(recorder, size);
  const [publish, subscribe] = [spread(costs, "publish"), spread(costs, "subscribe")];
  const [before, during] = [quantile(held.before, 0.99), quantile(held.during, 0.99)];
  return {
    bench: "subscriptions",
    table: [
      ["milliseconds", "p50", "p90", "p99"],
      ["from the 202 to the push, idle", ...columns(first)],
      ["from a change to its push", ...columns(held.before)],
      [`while ${size.big} others are told`, ...columns(held.during)],
      ...costs.flatMap(({ stored, publish, subscribe }) => [
        [`publish, ${stored} stored`, median(publish).toFixed(2), "", ""],
        [`subscribe, ${stored} stored`, median(subscribe).toFixed(2), "", ""],
      ]),
    ],
    figures: {
      first_push_p50_ms: median(first),
      first_push_p99_ms: quantile(first, 0.99),
      checkpoint_share: written.share,
      checkpoints_per_second: written.checkpoints,
      changes_per_second: written.changes,
      deliveries_per_second: written.deliveries,
      other_topic_p99_ms: before,
      other_topic_p99_ms_held: during,
      big_topic_seconds: held.seconds,
      big_topic_messages_per_second: held.delivered / held.seconds,
      publish_spread: publish,
      subscribe_spread: subscribe,
    },
    marks: [
      { name: "first_push_p50_ms", value: median(first), atMost: 5 },
      { name: "checkpoint_share", value: written.share, atMost: 0.05 },
      { name: "held_up_p99_ms", value: during - before, atMost: 200 },
      { name: "publish_spread", value: publish, atMost: 1.3 },
      { name: "subscribe_spread", value: subscribe, atMost: 1.3 },
    ],
    notes: [
      `the topic of ${size.big} took ${held.seconds.toFixed(1)} s: ${
        Math.round(held.delivered / held.seconds)
      } messages/s`,
      `at ${Math.round(written.changes)} changes/s: ${written.checkpoints.toFixed(1)} checkpoints/s, ${
        Math.round(written.deliveries)
      } deliveries/s`,
    ],
  };
}

/** The dearest size over the cheapest, by the medians of their rounds. */
function spread(costs: Cost[], what: "publish" | "subscribe"): number {
  const medians = costs.map((cost) => median(cost[what]));
  return Math.max(...medians) / Math.min(...medians);
}

function columns(samples: number[]): string[] {
  return [0.5, 0.9, 0.99].map((q) => quantile(samples, q).toFixed(2));
}
