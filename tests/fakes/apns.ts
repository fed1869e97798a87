/**
 * APNs as its documentation has it: "Establishing a token-based connection to APNs", "Sending notification requests to
 * APNs", "Pushing background updates to your App", "Handling notification responses from APNs".
 */
import { Buffer } from "node:buffer";
import type { KeyObject } from "node:crypto";
import type { Certificates } from "../../scripts/lib/certificates.ts";
import { type Answer, type Incoming, openHttp2Server, toBehaviour } from "./http2_server.ts";
import { checkJwt } from "./jwt_check.ts";

/** A notification that was taken. */
export type Notification = { device: string; headers: Incoming["headers"]; payload: Record<string, unknown> };

type Options = {
  certificates: Certificates;
  /** The developer account: `publicKey` is what the key `keyId` signs for. */
  account: { teamId: string; keyId: string; publicKey: KeyObject; topic: string };
  /** Milliseconds since 1970. */
  now?: () => number;
};

export type Apns = Awaited<ReturnType<typeof openApns>>;

/** An answer of the table: the reason stands in the body, as JSON. */
class Refused extends Error {
  constructor(readonly status: number, readonly reason: string, readonly more: Record<string, unknown> = {}) {
    super(reason);
  }
}

const MINUTE = 60_000, HOUR = 60 * MINUTE;

/** "Device tokens … are of variable length": at least 32 bytes here, in hexadecimal. */
const DEVICE = /^(?:[0-9a-f]{2}){32,100}$/;

const PUSH_TYPES = ["alert", "background", "location", "voip", "complication", "fileprovider", "mdm", "liveactivity"];

/** Starts one. Every device token of the right form is registered, until it is told otherwise. */
export async function openApns({ certificates, account, now = Date.now }: Options) {
  const notifications: Notification[] = [];
  const reasons: string[] = [];
  const unregistered = new Map<string, number>();
  const tokens = createTokenCheck(account, now);
  // "Establishing a connection to APNs": one stream alone, until a request had a valid token.
  const server = await openHttp2Server({ certificates, answer, streams: 1 });

  function answer(incoming: Incoming): Answer {
    const id = { "apns-id": crypto.randomUUID().toUpperCase() };
    try {
      notifications.push(read(incoming));
      return { status: 200, headers: id };
    } catch (thrown) {
      if (!(thrown instanceof Refused)) throw thrown;
      reasons.push(thrown.reason);
      return { status: thrown.status, headers: id, body: { reason: thrown.reason, ...thrown.more } };
    }
  }

  function read({ method, path, headers, rawHeaders, body, widen }: Incoming): Notification {
    if (method !== "POST") throw new Refused(405, "MethodNotAllowed");
    const device = readPath(path);
    checkRepeated(rawHeaders);
    tokens(headers.authorization);
    widen(1000);
    checkTopic(headers["apns-topic"] as string | undefined, account.topic);
    const payload = readPayload(body);
    checkFields(headers, payload);
    const timestamp = unregistered.get(device);
    if (timestamp !== undefined) throw new Refused(410, "Unregistered", { timestamp });
    return { device, headers, payload };
  }

  return {
    ...server,
    notifications,
    /** Of what was refused, in order. */
    reasons,
    /** The app was removed. */
    unregister: (device: string) => void unregistered.set(device, now()),
    /** Answers the next requests with a row of the table. */
    refuse: (
      status: number,
      reason: string,
      { headers, times }: { headers?: Answer["headers"]; times?: number } = {},
    ) => server.behave(toBehaviour({ status, headers, body: { reason } }), { times }),
  };
}

function readPath(path: string): string {
  const [, device] = /^\/3\/device\/([^/]*)$/.exec(path) ?? [];
  if (device === undefined) throw new Refused(404, "BadPath");
  if (device === "") throw new Refused(400, "MissingDeviceToken");
  if (!DEVICE.test(device)) throw new Refused(400, "BadDeviceToken");
  return device;
}

function checkRepeated(rawHeaders: string[]): void {
  const names = rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  if (new Set(names).size < names.length) throw new Refused(400, "DuplicateHeaders");
}

/** A token is at most an hour old, and another one comes no sooner than 20 minutes after the last. */
function createTokenCheck({ teamId, keyId, publicKey }: Options["account"], now: () => number) {
  let newest: { token: string; seen: number } | undefined;
  return (authorization: string | undefined): void => {
    const [, token] = /^bearer (.+)$/i.exec(authorization ?? "") ?? [];
    if (token === undefined) throw new Refused(403, "MissingProviderToken");
    const { header, claims } = checkSignature(token, publicKey);
    if (header.kid !== keyId || claims.iss !== teamId || !Number.isInteger(claims.iat)) {
      throw new Refused(403, "InvalidProviderToken");
    }
    if (Math.abs(now() - (claims.iat as number) * 1000) > HOUR) throw new Refused(403, "ExpiredProviderToken");
    if (newest?.token === token) return;
    if (newest && now() - newest.seen < 20 * MINUTE) throw new Refused(429, "TooManyProviderTokenUpdates");
    newest = { token, seen: now() };
  };
}

function checkSignature(token: string, publicKey: KeyObject) {
  try {
    return checkJwt(token, publicKey, "ES256");
  } catch {
    throw new Refused(403, "InvalidProviderToken");
  }
}

function checkTopic(topic: string | undefined, ours: string): void {
  if (topic === undefined) throw new Refused(400, "MissingTopic");
  if (!/^[\w.-]+$/.test(topic)) throw new Refused(400, "BadTopic");
  if (topic !== ours) throw new Refused(400, "TopicDisallowed");
}

function readPayload(body: Uint8Array): Record<string, unknown> {
  if (body.byteLength === 0) throw new Refused(400, "PayloadEmpty");
  if (body.byteLength > 4096) throw new Refused(413, "PayloadTooLarge");
  const payload = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  if (typeof payload.aps !== "object") throw new Refused(400, "PayloadEmpty");
  return payload;
}

/** "Sending notification requests to APNs", its table of header fields. */
function checkFields(headers: Incoming["headers"], { aps }: Record<string, unknown>): void {
  const field = (name: string) => headers[name] as string | undefined;
  const type = field("apns-push-type"), priority = field("apns-priority");
  if (type === undefined || !PUSH_TYPES.includes(type)) throw new Refused(400, "InvalidPushType");
  if (priority !== undefined && !["1", "5", "10"].includes(priority)) throw new Refused(400, "BadPriority");
  // "Specifying 10 … is an error" where the payload has content-available alone; so is an alert in the background.
  const { "content-available": available, ...shown } = aps as Record<string, unknown>;
  if (type === "background" && priority !== "5") throw new Refused(400, "BadPriority");
  if (type === "background" && (available !== 1 || Object.keys(shown).length > 0)) {
    throw new Refused(400, "InvalidPushType");
  }
  if (!/^\d{1,10}$/.test(field("apns-expiration") ?? "0")) throw new Refused(400, "BadExpirationDate");
  if (Buffer.byteLength(field("apns-collapse-id") ?? "") > 64) throw new Refused(400, "BadCollapseId");
}
