/** Where the benches keep what they make: compiled clients, databases, nginx's files. */
import { join } from "node:path";

export const ROOT = join(import.meta.dirname!, "..", "..");
export const CACHE = join(ROOT, ".cache", "bench");

/** A fresh folder on the disk that holds the project, so that a commit's fsync is a real one. */
export async function freshFolder(name: string): Promise<string> {
  await Deno.mkdir(CACHE, { recursive: true });
  return await Deno.makeTempDir({ dir: CACHE, prefix: `${name}-` });
}
