/** A script of Python that answers each line with a line. */

/** Throws what it says when it fails. */
export async function askPython(
  python: string,
  script: string,
  lines: string[],
  env: Record<string, string> = {},
): Promise<string[]> {
  const args = ["-c", script];
  const child = new Deno.Command(python, { args, env, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")));
  await writer.close();
  const { stdout, stderr, success } = await child.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trimEnd().split("\n");
}
