/**
 * The form of a push address: a URL that a stranger gave us. What it resolves to is checked at each dial (`dial.ts`).
 * Rules hold for the host as the URL parser reads it, which is the host that is dialled.
 */
import { Buffer } from "node:buffer";
import { CarillonError } from "../errors.ts";
import { MAX_ADDRESS } from "../model/subscription.ts";
import { parseIp } from "./blocked_addresses.ts";
import type { Trust } from "./trust.ts";

const HTTPS = 443;

const TOO_LONG = "it is longer than 1,000 bytes";

/** At least two labels, the last of which is no number, and no dot at the end. */
const PUBLIC_NAME = /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** RFC 6761 6.3, RFC 6762 3, and the name that ICANN set aside for private networks. */
const PRIVATE_NAME = /\.(?:localhost|local|internal)$/;

/** Reads an address. Throws `bad_address` with the reason, never with the address: whoever has it can push. */
export function checkAddress(text: string, trust: Trust): URL {
  const fault = faultOfText(text);
  if (fault) throw refuse(fault);
  const url = URL.parse(text);
  if (!url) throw refuse("it is no URL");
  // Escapes make it longer: what is kept must be good as well.
  if (url.href.length > MAX_ADDRESS) throw refuse(TOO_LONG);
  const hostFault = faultOfHost(url, trust);
  if (hostFault) throw refuse(hostFault);
  return url;
}

function faultOfText(text: string): string | undefined {
  if (Buffer.byteLength(text) > MAX_ADDRESS) return TOO_LONG;
  // The URL parser would drop white space and turn backslashes.
  if (!/^[!-[\]-~]*$/.test(text)) return "it holds characters that no URL has";
  const [, authority] = /^https:\/\/([^/?#]+)/i.exec(text) ?? [];
  if (authority === undefined) return "it does not begin with https:// and a host";
  if (authority.includes("@")) return "it holds user information";
  if (text.includes("#")) return "it holds a fragment";
}

function faultOfHost({ hostname, port }: URL, trust: Trust): string | undefined {
  if (trust.host(hostname, Number(port || HTTPS))) return undefined;
  const ip = parseIp(bareHost(hostname));
  if (ip) return trust.address(ip) ? undefined : "its host is an IP address";
  if (port !== "") return "its port is not 443";
  if (!PUBLIC_NAME.test(hostname) || PRIVATE_NAME.test(hostname)) return "its host is no public name";
}

/** The host without the brackets of IPv6. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

function refuse(reason: string): CarillonError {
  return new CarillonError("bad_address", `the address of a push service was refused: ${reason}`);
}
