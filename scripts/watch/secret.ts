/** A secret of the user's: from a file, from what a command prints, or from our environment, never from an argument. */
import { Refusal } from "../lib/command.ts";

export type Source = { file?: string; command?: string; variable?: string };

/**
 * Undefined where no source is given. `flag` is how its flags begin. Throws `Refusal` for one that gives
 * nothing.
 */
export async function findSecret(
  flag: string,
  { file, command, variable }: Source,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (file === undefined && command === undefined) return variable || undefined;
  const text = file === undefined ? await ask(flag, command!, signal) : await read(flag, file);
  const secret = text.replace(/\r?\n$/, "");
  if (secret !== "") return secret;
  throw new Refusal(`${flag}-${file === undefined ? "command" : "file"} gave nothing: see what it holds`);
}

async function read(flag: string, file: string): Promise<string> {
  return await Deno.readTextFile(file).catch(() => {
    throw new Refusal(`${flag}-file was not read: ${file}: there is no such file, or it is not readable`);
  });
}

async function ask(flag: string, command: string, signal: AbortSignal): Promise<string> {
  const { code, stdout } = await new Deno.Command("sh", {
    args: ["-c", command],
    stdin: "null",
    stderr: "inherit",
    signal,
  }).output();
  if (code === 0) return new TextDecoder().decode(stdout);
  throw new Refusal(`${flag}-command ended with ${code}: run it by hand, it must print the secret and end with 0`);
}
