/** Where the worker is. */
import { type Config, readConfig } from "../../src/config.ts";
import { HUB_PATH } from "../../src/app.ts";
import { CarillonError } from "../../src/errors.ts";
import { checkTopic } from "../../src/model/topic.ts";
import { Refusal, UsageError } from "./command.ts";

/** The settings of this machine, as the worker reads them. Throws `ConfigError`. */
export function readSettings(): Config {
  return readConfig(Deno.env.toObject());
}

/** The worker's public origin: what `--url` says, or the settings. It is the audience of everything that is signed. */
export function findAddress(given: string | undefined): string {
  if (given !== undefined) return readOrigin(given);
  const { url } = readSettings();
  if (new URL(url).port !== "0") return url;
  throw new Refusal("PORT is 0, so the address is known to the worker alone: give --url, as the worker printed it");
}

/** `host` is as a URL or a socket has it: IPv6 in brackets or not. */
export function isThisMachine(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|::1|\[::1\])$/.test(host);
}

export function hubOf(url: string): string {
  return url + HUB_PATH;
}

/** A topic as the worker will read it. Throws `UsageError`. */
export function readTopic(topic: string, url: string): string {
  try {
    return checkTopic(topic, hubOf(url));
  } catch (thrown) {
    throw thrown instanceof CarillonError ? new UsageError(thrown.message) : thrown;
  }
}

function readOrigin(text: string): string {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) throw new UsageError("--url is no http or https address");
  if (url.username || url.password || url.pathname !== "/" || url.search || url.hash) {
    throw new UsageError(`--url is more than an origin: write ${url.origin}`);
  }
  return url.origin;
}
