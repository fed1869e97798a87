/** Web Push: messages encrypted, signed and sent by one core, next to what the `web-push` package does without sending. */
import { join } from "node:path";
import { ROOT } from "./paths.ts";
import { startPushSink } from "./push_sink.ts";
import { progress, type Report } from "./report.ts";
import { median } from "./statistics.ts";
import type { Measured, Task } from "./webpush_sender.ts";
import { START_FLAG } from "./worker.ts";

/** The measured process has a core for itself, so that threads of a pool cannot hide what a message costs. */
const SINK_CORE = 0, SENDER_CORE = 1;

/** Messages a round, several times as many as there are keys made ahead, none of which are. */
const WHOLE = { rounds: 9, messages: 10_000, details: 1_500 };
const QUICK = { rounds: 3, messages: 2_000, details: 300 };

export async function webpush({ quick }: { quick: boolean }): Promise<Report> {
  await using sink = await startPushSink(SINK_CORE);
  const size = quick ? QUICK : WHOLE;
  progress(`webpush: ${size.rounds} rounds of ${size.messages} messages, each next to ${size.details} by web-push`);
  const { ours, ahead, theirs, failed } = await measure({ ...size, origin: sink.origin, ca: sink.ca });
  const ratio = median(theirs.map((took, round) => took / ours[round]!));
  const rate = 1_000_000 / median(ours);
  return {
    bench: "webpush",
    table: [
      ["one core", "us a message", "messages/s", "ratio"],
      ["encrypted, signed, sent", ...columns(ours, theirs)],
      ["the same, keys made ahead", ...columns(ahead, theirs)],
      ["web-push, nothing sent", ...columns(theirs, theirs)],
    ],
    figures: {
      us_a_message: median(ours),
      us_a_message_keys_ahead: median(ahead),
      us_web_push: median(theirs),
      messages_per_second: rate,
      ratio,
      ratio_keys_ahead: median(theirs.map((took, round) => took / ahead[round]!)),
    },
    marks: [
      { name: "ratio", value: ratio, atLeast: 4 },
      { name: "messages_per_second", value: rate, atLeast: 2_000 },
      { name: "messages_failed", value: failed, atMost: 0 },
    ],
    notes: ["web-push signs a token for each message; ours are kept for six hours, as RFC 8292 5 advises"],
  };
}

async function measure(task: Task): Promise<Measured> {
  const script = join(ROOT, "scripts/bench/webpush_sender.ts");
  const args = ["-c", `${SENDER_CORE}`, Deno.execPath(), "run", "-A", START_FLAG, script, JSON.stringify(task)];
  const { success, stdout } = await new Deno.Command("taskset", { args, stderr: "inherit" }).output();
  if (!success) throw new Error("the sender failed");
  return JSON.parse(new TextDecoder().decode(stdout));
}

function columns(took: number[], theirs: number[]): string[] {
  const ratio = median(theirs.map((their, round) => their / took[round]!));
  return [median(took).toFixed(0), (1_000_000 / median(took)).toFixed(0), ratio.toFixed(2)];
}
