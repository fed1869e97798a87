/** The transports beside Web Push: messages sent by one core over one connection, to servers that check each of them. */
import { join } from "node:path";
import { startProcess } from "../lib/process.ts";
import { ROOT } from "./paths.ts";
import { progress, type Report } from "./report.ts";
import { median } from "./statistics.ts";
import type { Measured, Task } from "./transports_sender.ts";
import type { Came, Listening } from "./vendor_sink.ts";

/** The measured process has a core for itself. */
const SINK_CORE = 0, SENDER_CORE = 1;

const WHOLE = { rounds: 9, messages: 10_000 };
const QUICK = { rounds: 3, messages: 2_000 };

export async function transports({ quick }: { quick: boolean }): Promise<Report> {
  const size = quick ? QUICK : WHOLE;
  progress(`transports: ${size.rounds} rounds of ${size.messages} messages by each`);
  const { took, failed, came } = await measure(size);
  const names = Object.keys(took), rates = names.map((name) => 1_000_000 / median(took[name]!));
  const connections = Math.max(...Object.values(came).map((each) => each.connections));
  const lost = names.length * (size.rounds + 1) * size.messages - total(came);
  return {
    bench: "transports",
    table: [
      ["one core, one connection", "us a message", "messages/s"],
      ...names.map((name, n) => [name, median(took[name]!).toFixed(0), rates[n]!.toFixed(0)]),
    ],
    figures: Object.fromEntries(names.map((name) => [`us_a_message_${name}`, median(took[name]!)])),
    marks: [
      ...names.map((name, n) => ({ name: `${name}_messages_per_second`, value: rates[n]!, atLeast: 2_000 })),
      { name: "connections_of_each", value: connections, atMost: 1 },
      { name: "messages_failed", value: failed + lost, atMost: 0 },
    ],
    notes: ["the servers are those of the tests, in Deno, on the other core: they may be what sets the pace"],
  };
}

async function measure(size: { rounds: number; messages: number }): Promise<Measured & { came: Came }> {
  await using sink = startProcess("taskset", { args: onCore(SINK_CORE, "vendor_sink.ts") });
  const [line] = await sink.until(/^\{.*\}$/m);
  const measured = await send({ ...JSON.parse(line) as Listening, ...size });
  await sink.end();
  return { ...measured, came: JSON.parse(sink.output.out.trim().split("\n").at(-1)!) as Came };
}

async function send(task: Task): Promise<Measured> {
  const args = onCore(SENDER_CORE, "transports_sender.ts", JSON.stringify(task));
  const { success, stdout } = await new Deno.Command("taskset", { args, stderr: "inherit" }).output();
  if (!success) throw new Error("the sender failed");
  return JSON.parse(new TextDecoder().decode(stdout));
}

function onCore(core: number, script: string, ...args: string[]): string[] {
  return ["-c", `${core}`, Deno.execPath(), "run", "-A", join(ROOT, "scripts/bench", script), ...args];
}

function total(came: Came): number {
  return Object.values(came).reduce((sum, { taken }) => sum + taken, 0);
}
