/** A real Radicale in a process of its own, with the hook that tells Carillon what changed. */
import { type Running, startProcess } from "./process.ts";
import { findRadicale } from "./radicale_install.ts";

/** For `PYTHONPATH`. */
export const HOOK_FOLDER = new URL("../radicale", import.meta.url).pathname;

// Radicale refuses port 0 in its settings, although its server can do it and logs the port that it got.
const LAUNCH = "from radicale import config; config.port_int = int; from radicale.__main__ import run; run()";

export type Section = Record<string, string | number>;

export type Launch = {
  /** Its users, settings and data are kept in here. */
  folder: string;
  /** 0 for any that is free. */
  port?: number;
  /** Its section [hook], with `type = carillon_hook` unless it says otherwise. */
  hook?: Section;
  /** More of its settings, by section. */
  config?: Record<string, Section>;
};

/** Starts it with users whose passwords are their names, each the owner of what is below their own path. */
export async function launchRadicale(
  { folder, port = 0, hook, config = {} }: Launch,
  users = ["alice", "bob"],
): Promise<Running & { url: string; port: number }> {
  const python = await findRadicale();
  await Deno.writeTextFile(`${folder}/users`, users.map((name) => `${name}:${name}\n`).join(""));
  await Deno.writeTextFile(`${folder}/config`, printConfig(settings(folder, port, hook, config)));
  const running = startProcess(python, {
    args: ["-c", LAUNCH, "--config", `${folder}/config`],
    env: { PYTHONPATH: HOOK_FOLDER, PYTHONDONTWRITEBYTECODE: "1" },
  });
  try {
    await running.until(/Radicale server ready/);
    const got = Number((await running.until(/Listening on '127\.0\.0\.1:(\d+)'/))[1]);
    return { ...running, url: `http://127.0.0.1:${got}`, port: got };
  } catch (thrown) {
    await running.end();
    throw thrown;
  }
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
