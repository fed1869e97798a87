/** What goes to the DAV server and to the push service, so that they know who asks. */
import { isAccessToken } from "../lib/access_token.ts";
import { isThisMachine } from "../lib/address.ts";
import { Refusal, UsageError } from "../lib/command.ts";
import { findSecret, type Source } from "./secret.ts";
import type { Settings } from "./settings.ts";

/** The headers of Basic (RFC 7617, in UTF-8); none without a user. Throws `UsageError` or `Refusal`. */
export async function findHeaders({ user, password }: Settings, signal: AbortSignal): Promise<Record<string, string>> {
  const secret = await findSecret("--password", password, signal);
  if (user === undefined && secret === undefined) return {};
  if (user === undefined) throw new UsageError("there is a password and no name: give --user");
  if (secret === undefined) throw new UsageError("there is no password: give --password-command or --password-file");
  return { authorization: `Basic ${new TextEncoder().encode(`${user}:${secret}`).toBase64()}` };
}

/** Undefined where no source is given. Throws `Refusal`. */
export async function findToken(source: Source, signal: AbortSignal): Promise<string | undefined> {
  const token = (await findSecret("--token", source, signal))?.trim();
  if (token === undefined || isAccessToken(token)) return token;
  throw new Refusal("what was given as the token is no access token: deno task token makes one");
}

/** A password that is sent in the clear to another machine. */
export function isInTheClear({ url, user }: Settings): boolean {
  const { protocol, hostname } = new URL(url);
  return user !== undefined && protocol === "http:" && !isThisMachine(hostname);
}
