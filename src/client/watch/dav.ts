/** Requests to the DAV server: bounded in time and bytes, and nobody is followed anywhere. */
import { inTime } from "../pace.ts";
import { ReceiverError } from "../receiver_error.ts";
import { discard, type Effects, readRetryAfter } from "../request.ts";
import { parseXml } from "./xml.ts";

/** What a request is sent by; `headers` are the app's own, such as `authorization`. */
export type DavEffects = Effects & { headers: Record<string, string>; signal: AbortSignal };

export type Answered = { status: number; headers: Headers; text: string };

/** Milliseconds for the whole answer, and bytes of it: ten thousand collections take less. */
const PATIENCE = 30_000, MAX_BYTES = 8 * 1024 * 1024;

/** Bytes of an answer that says why not, and characters of that: a name. */
const MAX_REASON = 16 * 1024, MAX_NAME = 40;

/** Sends one, and answers what was answered, if it is `expected`. Throws `refused`, `gone`, `unavailable` or `malformed`. */
export async function ask(
  { fetch, pace, headers, signal }: DavEffects,
  url: string,
  init: { method: string; headers?: Record<string, string>; body?: string },
  expected: number[],
): Promise<Answered> {
  const cut = new AbortController(), abort = () => cut.abort();
  signal.addEventListener("abort", abort);
  const sent = { cache: "no-store", redirect: "manual", ...init, headers: { ...headers, ...init.headers } } as const;
  try {
    const asked = fetch(url, { ...sent, signal: cut.signal }).then((response) => read(response, expected, cut.signal));
    return await inTime(pace, PATIENCE, abort, asked);
  } catch (thrown) {
    // What fetch throws names the address.
    throw thrown instanceof ReceiverError ? thrown : new ReceiverError("unavailable", "the DAV server was not reached");
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function read(response: Response, expected: number[], signal: AbortSignal): Promise<Answered> {
  const { status, headers } = response;
  if (expected.includes(status)) return { status, headers, text: await readBody(response, signal) };
  const reason = status === 403 || status === 409 ? await readReason(response, signal) : "";
  await discard(response);
  throw refusal(response, reason);
}

/** RFC 4918 16: the precondition that did not hold, with a space before it. */
async function readReason(response: Response, signal: AbortSignal): Promise<string> {
  try {
    const { name, children: [condition] } = parseXml(await readBody(response, signal, MAX_REASON));
    return name === "{DAV:}error" && condition ? ` ${condition.name.replace(/^.*}/, "").slice(0, MAX_NAME)}` : "";
  } catch {
    return "";
  }
}

async function readBody({ body }: Response, signal: AbortSignal, most = MAX_BYTES): Promise<string> {
  const reader = body?.getReader(), decoder = new TextDecoder();
  const leave = () => reader?.cancel().catch(() => {});
  signal.addEventListener("abort", leave);
  let text = "", size = 0;
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    size += part.value.byteLength;
    if (size > most) {
      await leave();
      throw new ReceiverError("malformed", `an answer of the DAV server was left: it is longer than ${most} bytes`);
    }
    text += decoder.decode(part.value, { stream: true });
  }
  if (signal.aborted) throw new ReceiverError("unavailable", "the DAV server did not answer in time");
  return text + decoder.decode();
}

/** A browser shows of a redirection that it is one, and no more. */
function refusal({ status, headers, type }: Response, reason: string): ReceiverError {
  if (type === "opaqueredirect" || (status >= 300 && status < 400)) {
    return new ReceiverError("not_followed", "the DAV server leads elsewhere: give the address where it ends");
  }
  if (status === 404 || status === 410) return new ReceiverError("gone", `there is no such collection: ${status}`);
  if (status === 429 || status >= 500) {
    const retryAfter = readRetryAfter(headers);
    return new ReceiverError("unavailable", `the DAV server did not do it: ${status}`, { status, retryAfter });
  }
  return new ReceiverError("refused", `the DAV server refused it: ${status}${reason}`, { status });
}
