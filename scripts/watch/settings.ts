/** What the arguments and the environment say, checked. */
import { UsageError } from "../lib/command.ts";
import { parseDuration } from "../lib/duration.ts";
import type { Source } from "./secret.ts";

export type Settings = {
  url: string;
  command: string;
  /** Milliseconds. */
  timeout: number;
  user?: string;
  password: Source;
  /** An origin. */
  pushService: string;
  token: Source;
};

/** Seconds of one run. */
const LONGEST = 86_400;

type Values = {
  url?: string;
  exec?: string;
  timeout: string;
  user?: string;
  "push-service"?: string;
} & { [name in `${"password" | "token"}-${"file" | "command"}`]?: string };

/** Throws `UsageError`. */
export function readSettings(values: Values, env: Record<string, string>): Settings {
  const url = readUrl("--url", values.url), command = values.exec?.trim();
  if (!command) throw new UsageError("give --exec, the command to run");
  const seconds = parseDuration(values.timeout, "--timeout");
  if (seconds === 0 || seconds > LONGEST) throw new UsageError("--timeout must be between 1s and 1d");
  return {
    url: url.href,
    command,
    timeout: 1_000 * seconds,
    user: readUser(values.user),
    password: sourceOf(values, "password", env.CARILLON_PASSWORD),
    pushService: readUrl("--push-service", values["push-service"] ?? url.origin).origin,
    token: sourceOf(values, "token", env.CARILLON_TOKEN),
  };
}

function sourceOf(values: Values, name: "password" | "token", variable: string | undefined): Source {
  const file = values[`${name}-file`], command = values[`${name}-command`];
  if (file === undefined || command === undefined) return { file, command, variable };
  throw new UsageError(`--${name}-file and --${name}-command are both given: leave one out`);
}

/** Nothing of it is shown: it may hold a password. */
function readUrl(flag: string, text: string | undefined): URL {
  const url = text === undefined ? undefined : URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) throw new UsageError(`give ${flag}, an http or https address`);
  if (!url.username && !url.password) return url;
  throw new UsageError(`${flag} holds a name or a password: give --user, and see --help for the password`);
}

/** RFC 7617 2: a colon ends the name. */
function readUser(user: string | undefined): string | undefined {
  if (user === "" || user?.includes(":")) throw new UsageError("--user is empty, or holds a colon");
  return user;
}
