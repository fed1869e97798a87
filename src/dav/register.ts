/** Registering for push (draft-bitfire-webdav-push, "Subscription registration"): who may read a collection is told of it. */
import type { Admit, Subscriptions } from "../broker/subscriptions.ts";
import { type Target, targetOf } from "../broker/target.ts";
import { CarillonError } from "../errors.ts";
import { shortHash } from "../model/short_hash.ts";
import { InvalidSubscription, parsePushRegister, PUSH_NAMESPACE, type PushRegister } from "../wire/push_register.ts";
import { readPushKeys } from "../wire/push_keys.ts";
import { childOf } from "../wire/xml.ts";
import type { Ask, Asked, Credentials } from "./ask.ts";
import { COLLECTIONS, PRINCIPAL, RESOURCE_TYPE } from "./names.ts";
import { canonicalPath } from "./paths.ts";

/** Milliseconds that are granted at least, whatever is asked for; at most is the refresh interval. */
const SHORTEST = 3 * 86_400_000;

export const REGISTRATIONS = "/-/registrations/";

/** An answer of ours, which `node:http` writes. */
export type Answer = { status: number; headers: [name: string, value: string][]; body?: string };

export type RegisterDeps = {
  ask: Ask;
  subscriptions: Subscriptions;
  /** The public origin of the DAV door. */
  origin: string;
  checkAddress: (address: string) => URL;
  vapidKey: string;
  admit: Admit;
  now: () => number;
};

/** The owner of what a user of the DAV server registers; users of other issuers are others. */
export const ownerOf = (origin: string, principal: string) => shortHash("dav", origin, canonicalPath(principal));

/** The topic of a collection. */
export const topicOf = (origin: string, path: string) => origin + canonicalPath(path);

/**
 * Registers for the collection at a path. Undefined: the document is another one, and the upstream's. Rejects when the
 * upstream does not answer; throws `too_many_subscriptions` or `push_service_silent`.
 */
export async function register(
  deps: RegisterDeps,
  { path, credentials, text }: { path: string; credentials: Credentials; text: string },
): Promise<Answer | undefined> {
  try {
    const wanted = parsePushRegister(text);
    if (!wanted) return undefined;
    if (!wanted.triggers) return refuse("no-trigger-supported", "no-supported-trigger");
    const target = targetOf(wanted.address, readPushKeys(wanted.keys), deps);
    const asked = await deps.ask(path, credentials, [RESOURCE_TYPE, PRINCIPAL]);
    if (asked.status !== 207) return passOn(asked);
    const principal = principalOf(asked), types = asked.properties.get(RESOURCE_TYPE)?.children ?? [];
    // Digest is bound to a method and an address: nobody can ask in its name.
    if (!principal || !asked.path || !types.some(({ name }) => COLLECTIONS.has(name))) {
      return refuse("push-not-available");
    }
    return await store(deps, { principal, path: asked.path, target, wanted });
  } catch (thrown) {
    if (thrown instanceof InvalidSubscription || isBadTarget(thrown)) return refuse("invalid-subscription");
    throw thrown;
  }
}

function isBadTarget(thrown: unknown): boolean {
  return thrown instanceof CarillonError && (thrown.code === "bad_address" || thrown.code === "bad_request");
}

async function store(
  { subscriptions, origin, admit, now }: RegisterDeps,
  { principal, path, target, wanted }: { principal: string; path: string; target: Target; wanted: PushRegister },
): Promise<Answer> {
  const owner = ownerOf(origin, principal), topic = topicOf(origin, path);
  const expiresAt = Math.max(now() + SHORTEST, wanted.expiresAt ?? Infinity);
  const registering = { topic, triggers: wanted.triggers, expiresAt };
  const { kept: { subscription }, isNew } = await subscriptions.register(owner, target, registering, admit);
  const expires = new Date(subscription.topics[0]!.expiresAt).toUTCString();
  const location = `${origin}${REGISTRATIONS}${subscription.id}`;
  return { status: isNew ? 201 : 204, headers: [["Location", location], ["Expires", expires]] };
}

/** Ends a registration of the caller's own. */
export async function unregister(
  { ask, subscriptions, origin }: RegisterDeps,
  { id, credentials }: { id: string; credentials: Credentials },
): Promise<Answer> {
  const asked = await ask("/", credentials, [PRINCIPAL]);
  if (asked.status !== 207) return passOn(asked);
  const principal = principalOf(asked);
  if (!principal) return refuse("push-not-available");
  await subscriptions.end(ownerOf(origin, principal), id);
  return { status: 204, headers: [] };
}

export function principalOf({ properties }: Asked): string | undefined {
  return childOf(properties.get(PRINCIPAL), "{DAV:}href")?.text.trim() || undefined;
}

/** The caller may not, as the upstream itself would say. */
function passOn({ status, challenges }: Asked): Answer {
  const allowed = [401, 403, 404];
  return {
    status: allowed.includes(status) ? status : 403,
    headers: challenges.map((value) => ["WWW-Authenticate", value]),
  };
}

/** RFC 4918 16: a precondition that did not hold. */
function refuse(...conditions: string[]): Answer {
  const elements = conditions.map((name) => `<${name} xmlns="${PUSH_NAMESPACE}"/>`).join("");
  const body = `<?xml version="1.0" encoding="UTF-8"?><D:error xmlns:D="DAV:">${elements}</D:error>`;
  return { status: 403, headers: [["Content-Type", 'application/xml; charset="UTF-8"']], body };
}
