/** Requests to the push service, and what its answers mean. */
import { inTime, type Pace } from "./pace.ts";
import { ReceiverError } from "./receiver_error.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export type Effects = { fetch: Fetch; pace: Pace };

/** fetch must be called as a function of its global (Web IDL: an illegal invocation else). */
export const systemFetch: Fetch = (url, init) => globalThis.fetch(url, init);

/** Milliseconds that an answer may take. */
const PATIENCE = 10_000;

/** Answers that trying again does not change, and those of a subscription that has ended. */
const FINAL = [400, 401, 403], OVER = [404, 410];

/** Sends one, and answers what was answered, if it is `expected`. `cut` ends it. Throws `refused`, `gone` or `unavailable`. */
export async function request(
  { fetch, pace }: Effects,
  url: string,
  init: RequestInit,
  expected: number[],
  cut = new AbortController(),
): Promise<Response> {
  const sent = fetch(url, { credentials: "omit", cache: "no-store", redirect: "error", ...init, signal: cut.signal });
  // What fetch throws names the address.
  const response = await inTime(pace, PATIENCE, () => cut.abort(), sent).catch(() => undefined);
  if (!response) throw new ReceiverError("unavailable", "the push service was not reached");
  if (expected.includes(response.status)) return response;
  await discard(response);
  throw refusal(response);
}

/** What is not read keeps its connection. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

/** Milliseconds (RFC 9110 10.2.3): seconds, or a date by the server's own clock, where it shows it. */
export function readRetryAfter(headers: Headers): number | undefined {
  const text = headers.get("retry-after") ?? "", date = Date.parse(headers.get("date") ?? "");
  const asked = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - (Number.isNaN(date) ? Date.now() : date);
  return asked > 0 ? asked : undefined;
}

function refusal({ status, headers }: Response): ReceiverError {
  const retryAfter = readRetryAfter(headers);
  if (FINAL.includes(status)) return new ReceiverError("refused", `the push service refused it: ${status}`, { status });
  if (OVER.includes(status)) return new ReceiverError("gone", `the subscription has ended: ${status}`, { status });
  return new ReceiverError("unavailable", `the push service did not do it: ${status}`, { status, retryAfter });
}
