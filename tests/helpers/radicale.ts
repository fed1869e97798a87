/** A real Radicale in a process of its own, on a free port, with its data in a temporary folder. */
import { davClient } from "./radicale_client.ts";
import { findRadicale } from "./radicale_install.ts";
import { createWaiting } from "./radicale_waiting.ts";

export { findRadicale } from "./radicale_install.ts";

/** For `PYTHONPATH`. */
export const HOOK_FOLDER = new URL("../../scripts/radicale", import.meta.url).pathname;

// Radicale refuses port 0 in its settings, although its server can do it and logs the port that it got.
const LAUNCH = "from radicale import config; config.port_int = int; from radicale.__main__ import run; run()";

type Section = Record<string, string | number>;
type Options = { hook?: Section; config?: Record<string, Section> };

export type Radicale = Awaited<ReturnType<typeof startRadicale>>;

/**
 * Starts it with the users alice and bob, whose passwords are their names, each the owner of what is below their own
 * path. `hook` becomes its section [hook], with `type = carillon_hook` unless it says otherwise. `await using` stops it
 * and removes its data.
 */
export async function startRadicale({ hook, config = {} }: Options = {}) {
  const python = await findRadicale();
  const folder = await Deno.makeTempDir({ prefix: "radicale-" });
  await Deno.writeTextFile(`${folder}/users`, "alice:alice\nbob:bob\n");
  const log: string[] = [];
  const waiting = createWaiting(() => `Radicale's log: ${log.slice(-20).join("\n")}`);
  let port = 0;
  let running = await launch(hook);

  async function launch(hook?: Section) {
    await Deno.writeTextFile(`${folder}/config`, printConfig(settings(folder, port, hook, config)));
    const child = spawn(python, `${folder}/config`);
    const from = log.length;
    const state = { ended: false };
    const ended = readLog(child).then(() => child.status).then(() => {
      state.ended = true;
      waiting.notify();
    });
    await waiting.until(() => {
      if (state.ended) throw new Error(`Radicale ended: ${log.slice(-20).join("\n")}`);
      return log.slice(from).find((line) => line.includes("Radicale server ready"));
    });
    port = Number(/Listening on '127\.0\.0\.1:(\d+)'/.exec(log.slice(from).join("\n"))![1]);
    return { child, ended };
  }

  async function readLog(child: Deno.ChildProcess): Promise<void> {
    let rest = "";
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      log.push(...lines);
      waiting.notify();
    }
  }

  /** Ends it by its process id; its data and port stay for `restart`. */
  async function stop(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    try {
      running.child.kill(signal);
    } catch (thrown) {
      if (!(thrown instanceof TypeError)) throw thrown; // it has ended already
    }
    await running.ended;
  }

  async function restart(newHook = hook): Promise<void> {
    await stop();
    running = await launch(newHook);
  }

  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    folder,
    /** The storage's `filesystem_folder`. */
    data: `${folder}/data`,
    stop,
    restart,
    /** Every line that it has logged so far, over restarts. */
    logs: () => [...log],
    untilLog: (pattern: RegExp) => waiting.until(() => log.find((line) => pattern.test(line))),
    as: (user: string) => davClient(url, user),
    [Symbol.asyncDispose]: async () => {
      await stop();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function spawn(python: string, config: string): Deno.ChildProcess {
  return new Deno.Command(python, {
    args: ["-c", LAUNCH, "--config", config],
    env: { PYTHONPATH: HOOK_FOLDER, PYTHONDONTWRITEBYTECODE: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

function settings(folder: string, port: number, hook: Section | undefined, more: Record<string, Section>) {
  const sections: Record<string, Section> = {
    server: { hosts: `127.0.0.1:${port}`, delay_on_error: 0 },
    auth: { type: "htpasswd", htpasswd_filename: `${folder}/users`, htpasswd_encryption: "plain", delay: 0 },
    rights: { type: "owner_only" },
    storage: { filesystem_folder: `${folder}/data` },
    ...(hook && { hook: { type: "carillon_hook", ...hook } }),
  };
  for (const [name, section] of Object.entries(more)) sections[name] = { ...sections[name], ...section };
  return sections;
}

function printConfig(sections: Record<string, Section>): string {
  return Object.entries(sections).map(([name, section]) =>
    [`[${name}]`, ...Object.entries(section).map(([option, value]) => `${option} = ${value}`), ""].join("\n")
  ).join("\n");
}
