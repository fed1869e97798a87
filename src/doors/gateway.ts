/** `POST /-/gateway`: the messages of CC/CD 70025 from a server, as JSON with a bearer token. */
import type { Context, Handler } from "hono";
import type { Charge } from "../access/rates.ts";
import type { Broker } from "../broker/broker.ts";
import { CarillonError } from "../errors.ts";
import type { Change } from "../model/change.ts";
import { type Bearer, isGranted } from "../model/grant.ts";
import { REFRESH_INTERVAL } from "../model/subscription.ts";
import { findOffer, type Offer } from "../model/transport.ts";
import { isTopic } from "../model/topic.ts";
import { parsePush } from "../wire/push_message.ts";
import { parseClientData, parsePushSubscribe } from "../wire/subscription_request.ts";
import { requireBearer } from "./bearer.ts";
import { checkType, readJson } from "./body.ts";
import { admitter, checkOwner, type SubscriptionDeps } from "./subscriptions.ts";

export const MAX_GATEWAY_BYTES = 48 * 1024;

type Deps = SubscriptionDeps & Pick<Broker, "publish" | "findUnheard"> & { charge: Charge };

const MESSAGES = ["push", "push-subscribe", "push-transports"];

/** 200 after the commit. */
export function gatewayDoor(deps: Deps): Handler {
  return async (c) => {
    const bearer = await requireBearer(c, deps);
    checkType(c, "application/json");
    const { name, value } = readMessage(await readJson(c, MAX_GATEWAY_BYTES));
    if (name === "push-transports") return c.json({ "push-transports": deps.offers.map(describe) });
    return name === "push" ? await push(c, value, bearer, deps) : await subscribe(c, value, bearer, deps);
  };
}

function readMessage(message: Record<string, unknown>): { name: string; value: unknown } {
  const members = Object.entries(message);
  const [name, value] = members.find(([name]) => MESSAGES.includes(name)) ?? members[0] ?? ["nothing"];
  if (MESSAGES.includes(name)) return { name, value };
  throw new CarillonError("unknown_message", `the message was refused, it is unknown: ${name.slice(0, 100)}`);
}

/** `transport-data` is flat (CC/CD 70025). */
function describe({ uri, refreshInterval, data }: Offer) {
  const known = Object.keys(data).length > 0 ? { "transport-data": data } : {};
  return { transport: { "transport-uri": uri, "refresh-interval": refreshInterval, ...known } };
}

async function push(c: Context, value: unknown, bearer: Bearer, deps: Deps): Promise<Response> {
  const changes = parsePush(value, "bad_request", deps.hubUrl);
  const topics = [...new Set(changes.map(({ topics }) => topics[0]!))];
  const invalid = topics.filter((topic) => !isGranted(bearer, "publish", topic));
  if (invalid.length > 0) return refuseTopics(c, invalid);
  deps.charge(bearer.iss, changes.length);
  await deps.publish({ changes });
  const unheard = await unheardOf(changes, deps);
  return c.json({ "push-response": unheard.length > 0 ? { "no-subscribers": unheard } : {} });
}

/** Topics that nobody in the whole cluster holds; none where that is not certain, since all is stored by now. */
async function unheardOf(changes: Change[], { findUnheard }: Deps): Promise<{ topic: string }[]> {
  const each = [...new Map(changes.map((change) => [change.topics[0]!, change])).values()];
  const unheard = await findUnheard(each).catch(() => []);
  return unheard.map(({ topics }) => ({ topic: topics[0]! }));
}

/** All or nothing: one bad topic fails the whole message. To leave nobody needs a grant. */
async function subscribe(c: Context, value: unknown, bearer: Bearer, deps: Deps): Promise<Response> {
  const owner = checkOwner(bearer);
  const { transportUri, topics, clientData, expiresAt = Infinity } = parsePushSubscribe(value);
  const offer = findOffer(deps.offers, transportUri);
  const { transport: _, endpoint, keys, ...wanted } = parseClientData(clientData);
  if (endpoint === undefined) throw refuse("its client-data holds no endpoint");
  const target = await offer.readTarget({ endpoint, ...(keys && { keys }) });
  if (expiresAt <= deps.now()) {
    await deps.subscriptions.leave(owner, target.address, topics);
    return answer(c, expiresAt, deps);
  }
  const invalid = topics.filter((topic) => !isTopic(topic, deps.hubUrl) || !isGranted(bearer, "subscribe", topic));
  if (invalid.length > 0) return refuseTopics(c, invalid);
  const granted = grantedEnd(c, expiresAt, deps);
  await deps.subscriptions.join(owner, target, { ...wanted, topics, expiresAt: granted }, admitter(bearer, topics));
  return answer(c, granted, deps);
}

/** Later than we grant is clamped and answered, but for who asks us to be strict (RFC 7240 4.4). */
function grantedEnd(c: Context, expiresAt: number, { now }: Deps): number {
  const latest = now() + 1000 * REFRESH_INTERVAL;
  if (expiresAt <= latest) return expiresAt;
  const isStrict = Number.isFinite(expiresAt) &&
    /(?:^|[,;\s])handling\s*=\s*"?strict"?(?:$|[,;\s])/i.test(c.req.header("prefer") ?? "");
  if (isStrict) throw refuse(`it expires later than the refresh-interval of ${REFRESH_INTERVAL} seconds allows`);
  return latest;
}

function answer(c: Context, expiresAt: number, { url }: Deps): Response {
  return c.json({ "push-url": `${url}/-/gateway`, expires: new Date(expiresAt).toISOString() });
}

function refuseTopics(c: Context, topics: string[]): Response {
  return c.json({ error: { "invalid-topics": topics } }, 403);
}

function refuse(reason: string): CarillonError {
  return new CarillonError("bad_request", `push-subscribe was refused: ${reason}`);
}
