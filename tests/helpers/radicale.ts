/** A real Radicale in a process of its own, on a free port, with its data in a temporary folder. */
import { launchRadicale, type Section } from "../../scripts/lib/radicale.ts";
import { davClient } from "./radicale_client.ts";

export { HOOK_FOLDER } from "../../scripts/lib/radicale.ts";
export { findRadicale } from "../../scripts/lib/radicale_install.ts";

type Options = { hook?: Section; config?: Record<string, Section> };

export type Radicale = Awaited<ReturnType<typeof startRadicale>>;

/**
 * Starts it with the users alice and bob, whose passwords are their names, each the owner of what is below their own
 * path. `hook` becomes its section [hook], with `type = carillon_hook` unless it says otherwise. `await using` stops it
 * and removes its data.
 */
export async function startRadicale({ hook, config }: Options = {}) {
  const folder = await Deno.makeTempDir({ prefix: "radicale-" });
  const past: string[] = [];
  let running = await launchRadicale({ folder, hook, config });
  const { url, port } = running;

  /** Ends it by its process id; its data and port stay for `restart`. */
  async function stop(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    await running.end(signal);
  }

  async function restart(newHook = hook): Promise<void> {
    await stop();
    past.push(...running.output.err.split("\n"));
    running = await launchRadicale({ folder, port, hook: newHook, config });
  }

  /** Every line that it has logged so far, over restarts. */
  function logs(): string[] {
    return [...past, ...running.output.err.split("\n")];
  }

  return {
    url,
    folder,
    /** The storage's `filesystem_folder`. */
    data: `${folder}/data`,
    stop,
    restart,
    logs,
    untilLog: (pattern: RegExp) => running.see(() => logs().find((line) => pattern.test(line))),
    as: (user: string) => davClient(url, user),
    [Symbol.asyncDispose]: async () => {
      await stop();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
