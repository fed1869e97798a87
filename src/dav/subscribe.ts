/** Subscribing by CC/CD 70025: many collections at once, by the names that their properties gave them. All or nothing. */
import type { Wanted } from "../broker/subscriptions.ts";
import type { TopicNames } from "../broker/topic_names.ts";
import { shortHash } from "../model/short_hash.ts";
import { WEB_PUSH } from "../model/subscription.ts";
import { type Target, targetOf } from "../model/transport.ts";
import { DAV_PUSH_NAMESPACE, type DavSubscribe, InvalidSubscribe, parseDavSubscribe } from "../wire/dav_subscribe.ts";
import { parseClientData } from "../wire/subscription_request.ts";
import { escapeXml } from "../wire/xml.ts";
import { type Answer, passOn, refuse } from "./answer.ts";
import { type Credentials, isBound } from "./ask.ts";
import { isRefused, lookAt } from "./look_at.ts";
import { ownerOf, whoIs } from "./principal.ts";
import { headersOf, isBadTarget, type Posted, type RegisterDeps, topicOf } from "./register.ts";

export type SubscribeDeps = RegisterDeps & { names: Pick<TopicNames, "open"> };

/** A collection by the name that its reader was told; `owner` is that reader. */
type Named = { name: string; owner: string; topic: string };

/** What is asked for by one owner. */
type Asked = { credentials: Credentials; owner: string; topics: Named[]; target: Target; wanted: Wanted };

/** What the client that writes is called in `Push-Client-Id`, as one owner's subscriptions know it. */
export const clientIdOf = (owner: string, clientId: string) => shortHash("client", owner, clientId);

/** Rejects when the upstream does not answer; throws `too_many_subscriptions` or `push_service_silent`. */
export async function subscribe(deps: SubscribeDeps, posted: Omit<Posted, "path">): Promise<Answer> {
  try {
    const document = parseDavSubscribe(posted.text);
    const { target, wanted } = await readTransport(document, deps);
    const topics = openAll(document.topics, deps);
    if (!topics || isBound(posted.credentials)) return invalidTopics(document.topics);
    const asked = { ...posted, owner: topics[0]!.owner, topics, target, wanted };
    if ((document.expiresAt ?? Infinity) <= deps.now()) return await leave(deps, asked);
    const found = await findTopics(deps, asked);
    return found instanceof Set ? await join(deps, asked, [...found]) : found;
  } catch (thrown) {
    if (thrown instanceof InvalidSubscribe) return refuse(DAV_PUSH_NAMESPACE, [thrown.message]);
    throw thrown;
  }
}

/** The client's own transport is a push service of its own, whose address stands for the transport. */
async function readTransport({ transportUri, clientData, expiresAt }: DavSubscribe, { offers }: SubscribeDeps) {
  try {
    const { transport: _, endpoint: own, keys, ...wanted } = parseClientData(clientData);
    const isOffered = offers.some(({ uri }) => uri === transportUri);
    const endpoint = isOffered ? own : transportUri;
    if (endpoint === undefined) throw new InvalidSubscribe("invalid-transport");
    const target = await targetOf(offers, isOffered ? transportUri : WEB_PUSH, { endpoint, ...(keys && { keys }) });
    return { target, wanted: { ...wanted, ...(expiresAt !== undefined && { expiresAt }) } };
  } catch (thrown) {
    throw isBadTarget(thrown) ? new InvalidSubscribe("invalid-transport") : thrown;
  }
}

/** Undefined when one of them was never told to anybody, or not all to the same. */
function openAll(names: string[], { names: { open } }: SubscribeDeps): Named[] | undefined {
  const opened = names.flatMap((name) => {
    const found = open(name);
    return found ? [{ name, ...found }] : [];
  });
  const isOne = opened.every(({ owner }) => owner === opened[0]!.owner);
  return opened.length === names.length && isOne ? opened : undefined;
}

/** What the caller may not read is invalid: a refusal then, else the homes of what may be read. */
async function findTopics(deps: SubscribeDeps, { credentials, owner, topics }: Asked): Promise<Answer | Set<string>> {
  const invalid: string[] = [], homes = new Set<string>();
  for (const { name, topic } of topics) {
    const found = await lookAt(deps, topic, credentials);
    if (isRefused(found) && found.refused.status === 401) return passOn(found.refused);
    const isReader = !isRefused(found) && found.pushable && found.principal &&
      ownerOf(deps.origin, found.principal) === owner;
    if (!isReader) invalid.push(name);
    else if (found.home !== undefined) homes.add(found.home);
  }
  return invalid.length > 0 ? invalidTopics(invalid) : homes;
}

async function join(
  deps: SubscribeDeps,
  { credentials, owner, topics, target, wanted }: Asked,
  homes: string[],
): Promise<Answer> {
  const names = new Map(topics.map(({ name, topic }) => [topicOf(deps.origin, topic), name]));
  const { kept: { subscription }, isNew } = await deps.subscriptions.join(owner, target, {
    ...wanted,
    ...(wanted.clientId !== undefined && { clientId: clientIdOf(owner, wanted.clientId) }),
    topics: [...names.keys()],
    nameOf: (topic) => names.get(topic)!,
  }, deps.admit);
  deps.registered(credentials, subscription, homes);
  return { status: isNew ? 201 : 204, headers: headersOf(deps.origin, subscription) };
}

async function leave(deps: SubscribeDeps, { credentials, owner, topics, target }: Asked): Promise<Answer> {
  const { principal, first } = await whoIs(deps.ask, topics[0]!.topic, credentials);
  if (!principal) return passOn(first);
  if (ownerOf(deps.origin, principal) !== owner) return invalidTopics(topics.map(({ name }) => name));
  await deps.subscriptions.leave(owner, target.address, topics.map(({ topic }) => topicOf(deps.origin, topic)));
  return { status: 204, headers: [] };
}

function invalidTopics(names: string[]): Answer {
  const topics = names.map((name) => `<topic>${escapeXml(name)}</topic>`).join("");
  return refuse(DAV_PUSH_NAMESPACE, ["invalid-topics"], topics);
}
