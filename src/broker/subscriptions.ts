/** Subscriptions as the doors see them: made, changed and ended by their owner, in one store for all doors. */
import { CarillonError } from "../errors.ts";
import { shortHash } from "../model/short_hash.ts";
import { type Counts, REFRESH_INTERVAL, type Subscription } from "../model/subscription.ts";
import type { Target } from "../model/transport.ts";
import { countSubscriptions } from "../store/counts.ts";
import { setAside } from "../store/set_aside.ts";
import { type Initial, type Kept, listOwned } from "../store/subscriptions.ts";
import { readSubscribers, topicHash } from "../store/subscribers.ts";
import { type ChangeDeps, createChange, isId, notFound } from "./change_subscription.ts";
import { findFailing } from "./failing.ts";
import type { TopicNames } from "./topic_names.ts";

/** Subscriptions that are read at once. */
const PAGE = 100;

/** Milliseconds after which an address that never answered is given up. */
const UNCONFIRMED_LIFE = 24 * 3_600_000;

/** What an owner asks for. Members that are left out stay as they are, or get their default. */
export type Wanted = Partial<Pick<Subscription, "keys" | "triggers" | "minPriority" | "maxDelay" | "clientId">> & {
  topics?: string[];
  /** What its client calls a topic. */
  nameOf?: (topic: string) => string;
  /** Milliseconds since 1970; clamped to the refresh interval, which is also the default. */
  expiresAt?: number;
};

/** What a client of WebDAV-Push registers for. */
export type Registering = Pick<Wanted, "triggers" | "expiresAt"> & { topic: string };

/** Throws when nothing more may be stored for the owner, or aimed at the push service. */
export type Admit = (counts: Counts) => void;

type Deps = ChangeDeps & { hashKey: string; names: Pick<TopicNames, "hash"> };

/** `vapidKey` is not among them: a push service knows an address by the key that it was made with. */
const DEFAULTS = { triggers: {}, minPriority: 0, maxDelay: 60, clientId: undefined };

export type Subscriptions = ReturnType<typeof createSubscriptions>;

export function createSubscriptions({ kv, clock, log, metrics, hashKey, names, subscribed }: Deps) {
  const { change, find, own, isLive } = createChange({ kv, clock, log, metrics, subscribed });
  const uncounted = (key: Deno.KvKey) => setAside({ log, metrics }, "count", key);
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
    const wireTopic = names.hash(owner, topic), id = shortHash(hashKey, owner, wireTopic, target.address);
    const asked = { ...wanted, topics: [topic], nameOf: () => wireTopic, keys: target.keys, clientId: id };
    const edit = ({ subscription, ...kept }: Kept) =>
      ask({ ...kept, subscription: { ...subscription, protocol: "webdav-push" } }, asked);
    return await addTo(id, owner, target, admit, edit);
  }

  async function add(owner: string, target: Target, admit: Admit, edit: (kept: Kept) => Kept) {
    return await addTo(idOf(owner, target.address), owner, target, admit, edit);
  }

  async function addTo(id: string, owner: string, target: Target, admit: Admit, edit: (kept: Kept) => Kept) {
    let isNew = false;
    const kept = await change(id, async (found) => {
      isNew = !found.kept;
      if (isNew) admit(await countSubscriptions(kv, owner, target.address, uncounted));
      return edit(found.kept ?? make(id, owner, target));
    });
    return { kept: kept!, isNew };
  }

  function make(id: string, owner: string, target: Target): Kept {
    const subscription = { id, owner, ...target, ...DEFAULTS, topics: [], confirmed: false };
    return { subscription, initial: initialAt(clock.now()) };
  }

  /** Gives a subscription what is asked for, and a new end. */
  function ask({ subscription, initial }: Kept, { topics, nameOf, expiresAt = Infinity, ...rest }: Wanted): Kept {
    const end = Math.min(expiresAt, clock.now() + 1000 * REFRESH_INTERVAL);
    const asked = topics?.map((topic) => nameOf ? { topic, wireTopic: nameOf(topic) } : { topic }) ??
      subscription.topics;
    const next = { ...subscription, ...rest, topics: asked.map((topic) => ({ ...topic, expiresAt: end })) };
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
    await drop(idOf(owner, address), topics);
  }

  /** Takes topics from whosever subscription; without any left it ends. */
  async function drop(id: string, topics: string[]): Promise<void> {
    await change(id, ({ kept }) => {
      const rest = kept?.subscription.topics.filter(({ topic }) => !topics.includes(topic)) ?? [];
      return kept && rest.length > 0 ? { ...kept, subscription: { ...kept.subscription, topics: rest } } : undefined;
    });
  }

  /** Ends a subscription. Throws `not_found` when it is not the owner's. */
  async function end(owner: string, id: string): Promise<void> {
    await change(id, (found) => void own(found, owner));
  }

  /** Whoever's it is. Throws `not_found`. */
  async function peek(id: string): Promise<Subscription> {
    const { kept } = await find(id);
    if (kept && isLive(kept)) return kept.subscription;
    throw notFound();
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
    if (after !== "" && !isId(after)) throw new CarillonError("bad_cursor", "the place in the list was refused");
    const { found, last } = await listOwned(kv, owner, after, limit);
    return { kept: found.flatMap(({ kept }) => kept && isLive(kept) ? [kept] : []), next: last };
  }

  /** The ids of the owner's subscriptions to a topic. */
  async function idsOf(owner: string, topic: string): Promise<string[]> {
    const ids: string[] = [];
    for (let after: string | undefined = ""; after !== undefined;) {
      const { kept, next } = await list(owner, after, PAGE);
      const subscriptions = kept.map(({ subscription }) => subscription);
      ids.push(
        ...subscriptions.filter(({ topics }) => topics.some((each) => each.topic === topic)).map(({ id }) => id),
      );
      after = next;
    }
    return ids;
  }

  /** Whether anybody is subscribed to a topic. */
  async function hasAny(topic: string): Promise<boolean> {
    return (await subscribersOf(topic, 1)).length > 0;
  }

  /** Ends everybody's subscription to a topic. */
  async function dropAll(topic: string): Promise<void> {
    for (let some = await subscribersOf(topic, PAGE); some.length > 0; some = await subscribersOf(topic, PAGE)) {
      for (const { place } of some) await drop(place.id, [topic]);
    }
  }

  const subscribersOf = (topic: string, limit: number) =>
    readSubscribers(kv, topicHash(topic), { after: { delay: 0, id: "" }, through: 60 }, limit);

  const failing = (subscription: Subscription) => findFailing(kv, subscription);

  return { failing, subscribe, join, register, leave, drop, update, end, peek, get, list, idsOf, hasAny, dropAll };
}

/** The initial push of a new address, due at `now`. */
function initialAt(now: number): Initial {
  return { attempt: 0, at: now, until: now + UNCONFIRMED_LIFE };
}
