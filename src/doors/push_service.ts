/** `/-/push/…`: a push service (RFC 8030) for who has none. Whoever knows an address may use it. */
import type { Context, Handler } from "hono";
import type { Capabilities, Kind } from "../access/capabilities.ts";
import type { PushService } from "../broker/mail/push_service.ts";
import type { Seats } from "../broker/seats.ts";
import { CarillonError } from "../errors.ts";
import type { Mailbox } from "../model/push_message.ts";
import { readLink, readOptions, readPushId, readUrgency } from "../wire/push_resource.ts";
import { type BearerDeps, requireBearer } from "./bearer.ts";
import { checkType, readJson } from "./body.ts";
import { STREAM_HEADERS, type StreamEnv } from "./stream.ts";
import { checkOwner } from "./subscriptions.ts";

export const PUSH = "/-/push";

const MAX_OPTIONS = 4096;

const PUSH_LINK = "urn:ietf:params:push",
  SET_LINK = "urn:ietf:params:push:set",
  RECEIPT_LINK = "urn:ietf:params:push:receipt";

export type PushDeps = BearerDeps & {
  url: string;
  service: PushService;
  capabilities: Capabilities;
  seats: Pick<Seats, "check" | "checkOwner">;
};

/** POST: a new subscription (RFC 8030 4), for whom a token names. */
export function pushSubscribeDoor(deps: PushDeps): Handler {
  const { capabilities, service, url } = deps;
  return async (c) => {
    const owner = checkOwner(await requireBearer(c, deps)), options = await readWanted(c);
    const asked = readLink(c.req.header("link"), SET_LINK);
    const subscription = capabilities.make("subscription"), push = capabilities.make("push");
    const set = asked === undefined
      ? capabilities.make("set")
      : { token: lastOf(asked), id: openUrl(deps, "set", asked) };
    await service.subscribe({ id: subscription.id, owner, push: push.id, set: set.id, ...options });
    const links = [[`push/${push.token}`, PUSH_LINK], [`set/${set.token}`, SET_LINK], ["receipt", RECEIPT_LINK]];
    return c.body(null, 201, {
      location: `${url}${PUSH}/subscription/${subscription.token}`,
      link: links.map(([path, rel]) => `<${url}${PUSH}/${path}>; rel="${rel}"`).join(", "),
    });
  };
}

async function readWanted(c: Context): Promise<{ vapidKey?: string }> {
  if (!c.req.header("content-type")) return {};
  checkType(c, "application/webpush-options+json");
  return readOptions(await readJson(c, MAX_OPTIONS));
}

/** POST: a new receipt subscription (RFC 8030 5.1), for whom a token names. */
export function receiptSubscribeDoor(deps: PushDeps): Handler {
  return async (c) => {
    const owner = checkOwner(await requireBearer(c, deps)), receipt = deps.capabilities.make("receipt");
    await deps.service.subscribe({ id: receipt.id, owner });
    return c.body(null, 201, { location: `${deps.url}${PUSH}/receipt/${receipt.token}` });
  };
}

/** GET: the messages of a subscription or of a set, or receipts, as an event stream. What was had before is acknowledged. */
export function pushReadDoor(deps: PushDeps, kind: Exclude<Kind, "push">): Handler<{ Bindings: StreamEnv }> {
  return async (c) => {
    deps.seats.check();
    const id = openToken(deps, kind, c.req.param("token")!);
    const mailboxes = kind === "set" ? await deps.service.openSet(id) : [await deps.service.open(id)];
    // Whose address it is: a token is not asked for.
    deps.seats.checkOwner(mailboxes[0]!.owner);
    const least = readUrgency(c.req.query("urgency") ?? c.req.header("urgency")) ?? "very-low";
    const last = readLast(c, deps, kind, mailboxes);
    // HEAD is safe (RFC 9110 9.2.1).
    if (c.req.method === "HEAD") return c.body(null, 200, STREAM_HEADERS);
    if (last) await deps.service.acknowledgeThrough(last.placed, last.least);
    c.env.open = deps.service.read(mailboxes, least);
    return c.body(null, 200, STREAM_HEADERS);
  };
}

/**
 * What a reader had: no more than it had asked for then. The header beats the query, as in the Mercure protocol. Undefined
 * where it was of one of the set that has ended since. Throws `bad_cursor`.
 */
function readLast(c: Context, { capabilities }: PushDeps, kind: Kind, mailboxes: Mailbox[]) {
  const id = c.req.header("last-event-id") ?? c.req.query("last_event_id");
  if (id === undefined || id === "") return undefined;
  const { token, least } = readPushId(id) ?? {}, placed = token && capabilities.openMessage(token);
  if (placed && least && mailboxes.some(({ id }) => id === placed.mailbox)) return { placed, least };
  if (placed && kind === "set") return undefined;
  throw new CarillonError("bad_cursor", "the last event id was refused: it is no message of this subscription");
}

/** DELETE: acknowledges a message (RFC 8030 6.2). */
export function acknowledgeDoor({ capabilities, service }: PushDeps): Handler {
  return async (c) => {
    const placed = capabilities.openMessage(c.req.param("token")!);
    if (!placed) throw notFound();
    await service.acknowledge(placed);
    return c.body(null, 204);
  };
}

/** DELETE: ends a subscription (RFC 8030 7.3), or a receipt subscription. */
export function pushEndDoor(deps: PushDeps, kind: "subscription" | "receipt"): Handler {
  return async (c) => {
    await deps.service.end(openToken(deps, kind, c.req.param("token")!));
    return c.body(null, 204);
  };
}

/** Where a message has its address. */
export const messageUrl = (url: string) => (token: string) => `${url}${PUSH}/message/${token}`;

export function openToken({ capabilities }: Pick<PushDeps, "capabilities">, kind: Kind, token: string): string {
  const id = capabilities.open(kind, token);
  if (id === undefined) throw notFound();
  return id;
}

/** An address of ours in a field. Throws `bad_request` for any other. */
export function openUrl({ url, capabilities }: PushDeps, kind: "set" | "receipt", address: string): string {
  const prefix = `${PUSH}/${kind}/`, ours = URL.parse(address, url);
  const isOurs = ours?.origin === new URL(url).origin && ours.pathname.startsWith(prefix);
  const id = isOurs ? capabilities.open(kind, ours.pathname.slice(prefix.length)) : undefined;
  if (id === undefined) throw new CarillonError("bad_request", `the request was refused: it names no ${kind} of ours`);
  return id;
}

const lastOf = (address: string) => address.slice(address.lastIndexOf("/") + 1);

function notFound(): CarillonError {
  return new CarillonError("not_found", "there is no such push resource, or it has ended");
}
