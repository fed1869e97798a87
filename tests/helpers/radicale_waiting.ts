/** Waiting for what Radicale and its hook write. */
import { createWaiting } from "../../scripts/lib/waiting.ts";

export { createWaiting } from "../../scripts/lib/waiting.ts";

/** Resolves when a file's text (empty while it is absent) satisfies the condition. */
export async function untilFile(path: string, condition: (text: string) => boolean): Promise<string> {
  const read = () => Deno.readTextFile(path).catch(() => "");
  const folder = path.slice(0, path.lastIndexOf("/"));
  using watcher = Deno.watchFs(folder, { recursive: false });
  let text = await read();
  const waiting = createWaiting(() => `${path}: ${text.slice(-500)}`);
  const watching = (async () => {
    for await (const _ of watcher) {
      text = await read();
      waiting.notify();
    }
  })();
  try {
    return await waiting.until(() => condition(text) && { text }).then((seen) => seen.text);
  } finally {
    watcher.close();
    await watching;
  }
}
