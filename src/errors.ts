/** The one error of the project, and the one table that says what each code means to the outside. */

type Level = "debug" | "info" | "warning" | "error";

/** What a code becomes: HTTP status, log level, and the sentence that tells the caller what to do next. */
export type ErrorMeaning = { status: number; level: Level; advice: string; retryAfter?: number };

export const ERRORS = {
  bad_request: { status: 400, level: "info", advice: "Correct the request; the detail names the part." },
  bad_matcher: {
    status: 400,
    level: "info",
    advice: "Send match, match_exact or match_urlpattern, within the limits.",
  },
  bad_cursor: { status: 400, level: "info", advice: "Send back an id exactly as it was received, or earliest." },
  bad_topic: { status: 400, level: "info", advice: "Name a topic of 1 to 1,024 characters that is not one of ours." },
  bad_address: {
    status: 400,
    level: "info",
    advice: "Send the endpoint of a push service: https, a public host name, at most 1,000 bytes.",
  },
  unknown_message: { status: 400, level: "info", advice: "Send push, push-transports or push-subscribe." },
  token_in_url: {
    status: 400,
    level: "warning",
    advice: "Send the token in the Authorization header, and replace it.",
  },
  invalid_set: { status: 400, level: "info", advice: "Correct the Security Event Token; see RFC 8417 and RFC 8935." },
  invalid_key: { status: 400, level: "warning", advice: "Sign with a key and algorithm of the issuer's entry." },
  invalid_issuer: { status: 400, level: "warning", advice: "Add the issuer to CARILLON_ISSUERS." },
  invalid_audience: { status: 400, level: "warning", advice: "Set aud to the CARILLON_URL of this worker." },
  authentication_failed: { status: 400, level: "warning", advice: "Sign with the issuer's current key." },
  access_denied: { status: 400, level: "warning", advice: "Add the topic to the issuer's topics in CARILLON_ISSUERS." },
  missing_token: { status: 401, level: "info", advice: "Send Authorization: Bearer TOKEN; deno task token makes one." },
  invalid_token: { status: 401, level: "info", advice: "Fetch a new token for this worker, and try again." },
  missing_session: { status: 401, level: "info", advice: "Log in at /-/console with the admin token." },
  missing_vapid: {
    status: 401,
    level: "debug",
    advice: "Sign the push with the key that the subscription names (RFC 8292).",
  },
  vapid_refused: {
    status: 403,
    level: "debug",
    advice: "Sign the push with the subscription's key, for this origin, for a day at most.",
  },
  insufficient_scope: { status: 403, level: "info", advice: "Ask for a token whose grants cover these topics." },
  origin_refused: { status: 403, level: "warning", advice: "Add the page's origin to CARILLON_ORIGINS." },
  foreign_page: { status: 403, level: "warning", advice: "Open the console at its own address, and do it there." },
  not_found: { status: 404, level: "debug", advice: "The README lists the addresses; a subscription may have ended." },
  method_not_allowed: { status: 405, level: "debug", advice: "Use a method that the Allow header names." },
  too_large: { status: 413, level: "info", advice: "Send less at once: one event may hold 48 KiB." },
  wrong_type: { status: 415, level: "info", advice: "Send the Content-Type that the detail names." },
  too_many_streams: {
    status: 429,
    level: "info",
    advice: "Close streams that nobody reads, or give each reader a subject (sub) of its own.",
    retryAfter: 5,
  },
  too_many_changes: {
    status: 429,
    level: "warning",
    advice: "Nothing was stored. Send slower, or raise the issuer's rate in CARILLON_ISSUERS.",
    retryAfter: 1,
  },
  too_many_replays: { status: 429, level: "warning", advice: "Reconnect later.", retryAfter: 5 },
  too_many_subscriptions: { status: 429, level: "warning", advice: "Delete subscriptions that are not used any more." },
  too_many_signatures: {
    status: 429,
    level: "debug",
    advice: "Use one VAPID token for many pushes, as RFC 8292 5 advises.",
    retryAfter: 1,
  },
  too_many_pushes: { status: 429, level: "info", advice: "Nothing was stored. Push slower.", retryAfter: 1 },
  push_service_silent: {
    status: 429,
    level: "warning",
    advice: "Try again when the push service has answered for others.",
    retryAfter: 60,
  },
  unknown_coding: {
    status: 501,
    level: "info",
    advice: "Send the body as it is, with its length or in chunks.",
  },
  upstream_down: {
    status: 502,
    level: "warning",
    advice: "Check that the DAV server behind Carillon runs, and CARILLON_UPSTREAM.",
    retryAfter: 5,
  },
  keys_unavailable: { status: 503, level: "error", advice: "Check the issuer's jwks_uri; send again.", retryAfter: 5 },
  overloaded: { status: 503, level: "warning", advice: "Nothing was stored. Send again later.", retryAfter: 1 },
  streams_full: {
    status: 503,
    level: "info",
    advice: "Connect again later; CARILLON_MAX_STREAMS says how many streams a worker takes.",
    retryAfter: 10,
  },
  memory_short: {
    status: 503,
    level: "info",
    advice: "Connect again later; give the worker more memory, or start another one.",
    retryAfter: 10,
  },
  kv_failed: { status: 503, level: "error", advice: "Nothing is acknowledged. Send again later.", retryAfter: 2 },
  kv_timeout: {
    status: 503,
    level: "error",
    advice: "It is unknown whether it was stored. Send it again.",
    retryAfter: 5,
  },
  draining: { status: 503, level: "info", advice: "This worker is stopping. Connect again.", retryAfter: 1 },
  internal: { status: 500, level: "error", advice: "Report it with the log lines of this moment." },
} as const satisfies Record<string, ErrorMeaning>;

export type ErrorCode = keyof typeof ERRORS;

/**
 * Thrown for everything that a caller is to be told. The message says what was tried, a colon, the actual value;
 * it never holds a token, a key, an event's data or a cause from inside.
 */
export class CarillonError extends Error {
  constructor(readonly code: ErrorCode, message: string, readonly headers: Record<string, string> = {}) {
    super(message);
    this.name = "CarillonError";
  }

  get meaning(): ErrorMeaning {
    return ERRORS[this.code];
  }
}

/** Turns whatever was thrown into an error that may leave the process: what is not ours stays inside. */
export function asCarillonError(thrown: unknown): CarillonError {
  return thrown instanceof CarillonError ? thrown : new CarillonError("internal", "the request failed inside Carillon");
}

/** What may be logged of it: the code, and where something of ours broke; never the message, which could hold anything. */
export function causeOf(thrown: unknown): { code: ErrorCode; at?: string } {
  const { code } = asCarillonError(thrown);
  if (thrown instanceof CarillonError || !(thrown instanceof Error)) return { code };
  const lines = thrown.stack?.split("\n").filter((line) => line.startsWith("    at ")) ?? [];
  return { code, at: thrown.name + lines.slice(0, 3).join("") };
}
