/** What a command makes goes to stdout alone; all that it has to say besides goes to stderr. */
const encoder = new TextEncoder();

/** Waits until the reader took the line, so that a slow one slows us down. Throws `BrokenPipe` when it has gone. */
export async function print(line: string): Promise<void> {
  const bytes = encoder.encode(`${line}\n`);
  for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
}

export function note(line: string): void {
  console.error(line);
}
