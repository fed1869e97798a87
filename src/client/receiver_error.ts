/** What can go wrong at a receiver, and at a watch. */

/**
 * - `refused`: the push service, or the DAV server, will not have it, whatever is tried again (400, 401, 403); `status` says which.
 * - `gone`: the subscription has ended (404, 410).
 * - `unavailable`: the push service was not reached, broke off, or asks to wait; `listen` tries again by itself.
 * - `malformed`: an answer or an event that is not of the protocol.
 * - `undecryptable`: a message that is not for these keys, or was changed on its way (RFC 8188, RFC 8291).
 * - `callback_failed`: `onMessage`, or `changed`, threw, `cause` is what; it comes again.
 * - `bad_keys`: what was kept of the keys is no P-256 pair and a secret of 16 bytes.
 * - `already_listening`: one receiver listens once at a time.
 * - `not_followed`: a server leads to an address that is not its own; nothing was sent there.
 * - `no_transport`: push is there, and no transport of the app's can be used with it.
 */
export type ReceiverErrorCode =
  | "refused"
  | "gone"
  | "unavailable"
  | "malformed"
  | "undecryptable"
  | "callback_failed"
  | "bad_keys"
  | "already_listening"
  | "not_followed"
  | "no_transport";

type Details = {
  /** What the push service answered. */
  status?: number;
  /** The event that it is about. */
  id?: string;
  /** Milliseconds that the push service asks to wait. */
  retryAfter?: number;
  cause?: unknown;
};

/** Its message never holds a token, a key or an address: whoever knows an address of a push service may use it. */
export class ReceiverError extends Error {
  override name = "ReceiverError";
  readonly code: ReceiverErrorCode;
  readonly status?: number;
  readonly id?: string;
  readonly retryAfter?: number;

  constructor(code: ReceiverErrorCode, message: string, { status, id, retryAfter, ...rest }: Details = {}) {
    super(message, rest);
    this.code = code;
    this.status = status;
    this.id = id;
    this.retryAfter = retryAfter;
  }
}
