/** Subscriptions as the doors see them: made, changed and ended by their owner, in one store for all doors. */
import { catchUp } from "./catch_up.ts";
import { CarillonError } from "../errors.ts";
import type { Clock } from "../clock.ts";
import { shortHash } from "../model/short_hash.ts";
import { type Counts, MAX_TOPICS, REFRESH_INTERVAL, type Subscription } from "../model/subscription.ts";
import { countSubscriptions } from "../store/counts.ts";
import {
  findSubscription,
  type Found,
  type Initial,
  type Kept,
  listOwned,
  removeSubscription,
  saveSubscription,
} from "../store/subscriptions.ts";
import type { Target } from "./target.ts";

/** How often a write is tried again that somebody else's came before. */
const MAX_CONFLICTS = 8;

/** Milliseconds after which an address that never answered is given up. */
const UNCONFIRMED_LIFE = 24 * 3_600_000;

/** What an owner asks for. Members that are left out stay as they are, or get their default. */
export type Wanted = Partial<Pick<Subscription, "keys" | "triggers" | "minPriority" | "maxDelay" | "clientId">> & {
  topics?: string[];
  /** Milliseconds since 1970; clamped to the refresh interval, which is also the default. */
  expiresAt?: number;
};

/** What a client of WebDAV-Push registers for. */
export type Registering = Pick<Wanted, "triggers" | "clientId" | "expiresAt"> & { topic: string };

/** Throws when nothing more may be stored for the owner, or aimed at the push service. */
export type Admit = (counts: Counts) => void;

/** As `shortHash` makes them. */
const ID = /^[\w-]{22}$/;

type Deps = {
  kv: Deno.Kv;
  clock: Clock;
  hashKey: string;
  /** Called with what was made or changed. */
  subscribed: (subscription: Subscription) => void;
};

/** `vapidKey` is not among them: a push service knows an address by the key that it was made with. */
const DEFAULTS = { triggers: {}, minPriority: 0, maxDelay: 60, clientId: undefined };

export type Subscriptions = ReturnType<typeof createSubscriptions>;

export function createSubscriptions({ kv, clock, hashKey, subscribed }: Deps) {
  /** Never of the address alone: a stranger who knows it could replace the subscription. */
  const idOf = (owner: string, address: string) => shortHash(hashKey, owner, "", address);

  /** Makes the subscription of an address, or replaces what the same owner asked for before. */
  async function subscribe(owner: string, target: Target, wanted: Wanted, admit: Admit) {
    return await add(owner, target, admit, (kept) => {
      return ask({ ...kept, subscription: { ...kept.subscription, ...DEFAULTS } }, { ...wanted, keys: target.keys });
    });
  }

  /** Adds topics to the subscription of an address (CC/CD 70025 `push-subscribe`). */
  async function join(owner: string, target: Target, wanted: Wanted & { topics: string[] }, admit: Admit) {
    return await add(owner, target, admit, (kept) => {
      const others = kept.subscription.topics.filter(({ topic }) => !wanted.topics.includes(topic));
      const asked = ask(kept, { ...wanted, keys: target.keys });
      return { ...asked, subscription: { ...asked.subscription, topics: [...others, ...asked.subscription.topics] } };
    });
  }

  /** Registers for WebDAV-Push: the address may be told of other collections as well. Its own name is its client's. */
  async function register(owner: string, target: Target, { topic, ...wanted }: Registering, admit: Admit) {
    const wireTopic = wireTopicOf(owner, topic), id = shortHash(hashKey, owner, wireTopic, target.address);
    const edit = ({ subscription, ...kept }: Kept) =>
      ask({ ...kept, subscription: { ...subscription, wireTopic, clientId: id } }, {
        ...wanted,
        topics: [topic],
        keys: target.keys,
      });
    return await addTo(id, owner, target, admit, edit);
  }

  /** What a client of WebDAV-Push calls a topic: unique to its user, and tells nothing. */
  const wireTopicOf = (owner: string, topic: string) => shortHash(hashKey, owner, "topic", topic);

  async function add(owner: string, target: Target, admit: Admit, edit: (kept: Kept) => Kept) {
    return await addTo(idOf(owner, target.address), owner, target, admit, edit);
  }

  async function addTo(id: string, owner: string, target: Target, admit: Admit, edit: (kept: Kept) => Kept) {
    let isNew = false;
    const kept = await change(id, async (found) => {
      isNew = !found.kept;
      if (isNew) admit(await countSubscriptions(kv, owner, target.address));
      return edit(found.kept ?? make(id, owner, target));
    });
    return { kept: kept!, isNew };
  }

  function make(id: string, owner: string, target: Target): Kept {
    const subscription = { id, owner, ...target, ...DEFAULTS, topics: [], confirmed: false };
    return { subscription, initial: initialAt(clock.now()) };
  }

  /** Gives a subscription what is asked for, and a new end. */
  function ask({ subscription, initial }: Kept, { topics, expiresAt = Infinity, ...rest }: Wanted): Kept {
    const end = Math.min(expiresAt, clock.now() + 1000 * REFRESH_INTERVAL);
    const asked = topics ?? subscription.topics.map(({ topic }) => topic);
    const next = { ...subscription, ...rest, topics: asked.map((topic) => ({ topic, expiresAt: end })) };
    if (!initial) return { subscription: next };
    // What was tried with other keys says nothing: the initial push begins anew, at another moment, which is its name.
    const isSame = JSON.stringify(next.keys) === JSON.stringify(subscription.keys);
    return { subscription: next, initial: isSame ? initial : initialAt(Math.max(clock.now(), initial.at + 1)) };
  }

  /** Changes or renews a subscription; `check` throws when that is not allowed. Throws `not_found` when it is not the owner's. */
  async function update(owner: string, id: string, wanted: Wanted, check: (subscription: Subscription) => void) {
    const kept = await change(id, (found) => {
      const { subscription, ...rest } = own(found, owner);
      check(subscription);
      return ask({ ...rest, subscription }, wanted);
    });
    return kept!;
  }

  /** Takes topics from the subscription of an address; without any left it ends. */
  async function leave(owner: string, address: string, topics: string[]): Promise<void> {
    await change(idOf(owner, address), ({ kept }) => {
      const rest = kept?.subscription.topics.filter(({ topic }) => !topics.includes(topic)) ?? [];
      return kept && rest.length > 0 ? { ...kept, subscription: { ...kept.subscription, topics: rest } } : undefined;
    });
  }

  /** Ends a subscription. Throws `not_found` when it is not the owner's. */
  async function end(owner: string, id: string): Promise<void> {
    await change(id, (found) => void own(found, owner));
  }

  /** Throws `not_found` when it is not the owner's. */
  async function get(owner: string, id: string): Promise<Kept> {
    return own(await find(id), owner);
  }

  /** The owner's subscriptions behind an id, as far as they are live; `next` is where more may be. Throws `bad_cursor`. */
  async function list(
    owner: string,
    after: string,
    limit: number,
  ): Promise<{ kept: Kept[]; next: string | undefined }> {
    if (after !== "" && !ID.test(after)) throw new CarillonError("bad_cursor", "the place in the list was refused");
    const { found, last } = await listOwned(kv, owner, after, limit);
    return { kept: found.flatMap(({ kept }) => kept && isLive(kept) ? [kept] : []), next: last };
  }

  /** Writes what `edit` makes of what is there, or ends it when that is nothing. */
  async function change(id: string, edit: (found: Found) => Promise<Kept> | Kept | undefined | void) {
    for (let tries = 0; tries < MAX_CONFLICTS; tries++) {
      const found = await find(id);
      const kept = await edit(found) ?? undefined;
      if (kept && kept.subscription.topics.length > MAX_TOPICS) throw tooMany(kept);
      if (!kept && !found.kept) return undefined;
      if (!await write(found, kept)) continue;
      if (kept) subscribed(kept.subscription);
      return kept;
    }
    throw new CarillonError("overloaded", "the subscription is changed by too many at once");
  }

  async function write(found: Found, kept: Kept | undefined): Promise<boolean> {
    const now = clock.now();
    if (!kept) return await removeSubscription(kv, found, now);
    return await saveSubscription(kv, found, kept, catchUp(found.kept?.subscription, kept.subscription, now));
  }

  /** What has ended is as if it were not there, though the minute has not come yet in which it goes. */
  async function find(id: string): Promise<Found> {
    if (!ID.test(id)) throw new CarillonError("not_found", "there is no such subscription");
    const found = await findSubscription(kv, id);
    if (found.unknown) throw new CarillonError("kv_failed", "the subscription's record is of a newer version");
    return found;
  }

  function own({ kept }: Found, owner: string): Kept {
    if (kept && kept.subscription.owner === owner && isLive(kept)) return kept;
    throw new CarillonError("not_found", "there is no such subscription");
  }

  function isLive({ subscription }: Kept): boolean {
    return subscription.topics.some(({ expiresAt }) => expiresAt > clock.now());
  }

  return { subscribe, join, register, wireTopicOf, leave, update, end, get, list };
}

/** The initial push of a new address, due at `now`. */
function initialAt(now: number): Initial {
  return { attempt: 0, at: now, until: now + UNCONFIRMED_LIFE };
}

function tooMany({ subscription }: Kept): CarillonError {
  const count = subscription.topics.length;
  return new CarillonError("bad_request", `the subscription has too many topics: ${count}, at most ${MAX_TOPICS}`);
}
