/** Programs of the benches that are written in C. */
import { join } from "node:path";
import { CACHE } from "./paths.ts";

/** Compiles a source of this folder. Throws when there is no C compiler. */
export async function compile(source: string, program: string): Promise<void> {
  await Deno.mkdir(CACHE, { recursive: true });
  const path = join(import.meta.dirname!, source);
  const { success } = await new Deno.Command("cc", { args: ["-O2", "-o", program, path], stderr: "inherit" }).output();
  if (!success) throw new Error(`a program was not compiled, is a C compiler installed: cc -O2 ${path}`);
}
