/** A command of the user's own, run by the shell for an event. */
import type { HeardEvent } from "./follow.ts";
import { printJson } from "./event_line.ts";

/**
 * Runs it once, and answers its exit code. The event is on its standard input and in its environment, never in its
 * text: an event can hold what a shell would run.
 */
export async function runForEvent(
  command: string,
  event: HeardEvent,
  { topic, signal }: { topic: string; signal: AbortSignal },
): Promise<number> {
  const child = new Deno.Command("sh", {
    args: ["-c", command],
    env: { CARILLON_TOPIC: topic.replaceAll("\0", ""), CARILLON_EVENT_ID: event.id.replaceAll("\0", "") },
    stdin: "piped",
    stdout: "inherit",
    stderr: "inherit",
    signal,
  }).spawn();
  await writeAll(child.stdin, `${printJson(event)}\n`);
  return (await child.status).code;
}

async function writeAll(stdin: WritableStream<Uint8Array<ArrayBuffer>>, text: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // A command need not read its input.
  }
}
