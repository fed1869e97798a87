/** Holding on to push: a channel by the first transport that can be had, and a registration for each collection. */
import { ReceiverError } from "../receiver_error.ts";
import type { DavEffects } from "./dav.ts";
import type { Look, Resource } from "./look.ts";
import { endChannel, faultOf, openChannel } from "./open_channel.ts";
import { afterFault } from "./paces.ts";
import { createRegistrations, type Registrations } from "./registrations.ts";
import type { Channel, Offer, Transport } from "./transport.ts";

/** Collections of one watch that are registered, or listened to: what a server has to hold for one client. */
const MAX_REGISTRATIONS = 100;

/** Milliseconds after which a channel that ends was a good one: the next is opened at once. */
const GOOD = 600_000;

type Deps = {
  effects: DavEffects;
  transports: Transport[];
  clientId: string;
  now: () => number;
  onMessage: (text: string) => void;
  /** From now on it is told of more (true), or it may have missed something. */
  onTurn: (isOpen: boolean) => void;
  report: (fault: ReceiverError) => void;
};

/** `terms`: another offer than this needs another channel. */
type Held = {
  channel: Channel;
  terms: string;
  registrations: Registrations | undefined;
  since: number;
  over: AbortController;
  turn: AbortController;
  hearing?: Promise<void>;
  isOpen: boolean;
  isComplete: boolean;
};

export type Hold = ReturnType<typeof createHold>;

export function createHold(deps: Deps) {
  const { effects, report, onTurn } = deps, { pace, signal } = effects;
  let held: Held | undefined, ends = 0, openAt = -Infinity;

  /** Makes what was seen be told: opens a channel, registers what is not, renews what soon ends. */
  async function update(look: Look): Promise<void> {
    const wanted = [...look.collections, ...(look.home ? [look.home] : [])].filter(({ push }) => push);
    const offer = offerOf(look, wanted);
    if (held && isOther(held, offer)) await drop(held);
    if (!held && pace.elapsed() >= openAt) await open(offer);
    if (held) await complete(held, look, wanted.slice(0, MAX_REGISTRATIONS), offer);
  }

  /** Where push is there and no transport can be used, the app should know. */
  async function open(offer: Offer): Promise<void> {
    const { channel, isUnfit } = await openChannel({ ...deps, pace }, offer);
    if (channel) start(channel, termsOf(channel, offer));
    else if (isUnfit && (offer.vapidKey !== undefined || offer.hub !== undefined)) {
      report(new ReceiverError("no_transport", "push is there, and no transport can be used: it is polled"));
    }
  }

  function start(channel: Channel, terms: string): void {
    const [over, turn] = [new AbortController(), new AbortController()], { subscription } = channel;
    const registrations = subscription && createRegistrations({ ...deps, subscription });
    held = { channel, terms, registrations, since: pace.elapsed(), over, turn, isOpen: false, isComplete: false };
    // Whoever was closed meanwhile hears nothing: `close` gives it back, or leaves it.
    if (!signal.aborted) held.hearing = hear(held);
  }

  async function hear(own: Held): Promise<void> {
    while (!own.over.signal.aborted) {
      own.turn = new AbortController();
      const ended = await hearOnce(own, AbortSignal.any([own.over.signal, own.turn.signal]));
      if (ended) return await leave(own, ended);
    }
  }

  /** Until the signal aborts; answers what else ended it. */
  async function hearOnce(own: Held, signal: AbortSignal): Promise<ReceiverError | undefined> {
    const turned = (isOpen: boolean) => {
      if (own.over.signal.aborted) return;
      own.isOpen = isOpen;
      onTurn(isOpen);
    };
    const onFault = (fault: ReceiverError) => (report(fault), turned(false));
    try {
      await own.channel.hear({ signal, onOpen: () => turned(true), onFault, onMessage: deps.onMessage });
      return signal.aborted ? undefined : OVER;
    } catch (thrown) {
      return signal.aborted ? undefined : faultOf(thrown);
    }
  }

  /** It has ended by itself: those that end soon are opened less and less often. */
  async function leave(own: Held, fault: ReceiverError): Promise<void> {
    report(fault);
    ends = pace.elapsed() - own.since > GOOD ? 1 : ends + 1;
    if (ends > 1) openAt = pace.elapsed() + afterFault(ends, fault.retryAfter, pace.random);
    const wasOpen = own.isOpen;
    own.over.abort();
    if (held === own) held = undefined;
    await endChannel(own.channel);
    if (wasOpen) onTurn(false);
  }

  async function complete(own: Held, { collections }: Look, wanted: Resource[], { vapidKey }: Offer): Promise<void> {
    const { registrations, over } = own;
    if (!registrations) return void (own.isComplete = true);
    const isMore = await registrations.complete(wanted.filter(({ push }) => push!.vapidKey === vapidKey), over.signal);
    if (wanted.length > 0) registrations.keep(new Set(wanted.map(({ url }) => url)));
    own.isComplete = wanted.length > 0 && collections.every(({ url, push }) => push && registrations.has(url));
    // What happened between the look and the registration nobody has told.
    if (isMore && !over.signal.aborted) onTurn(own.isOpen);
  }

  /** The channel is given up. */
  async function drop(own: Held): Promise<void> {
    held = undefined;
    own.over.abort();
    await own.hearing;
    await endChannel(own.channel);
  }

  /** Stops; what does not last, or all, is taken back. */
  async function close(isEnd: boolean): Promise<void> {
    const own = held;
    if (!own) return;
    held = undefined;
    own.over.abort();
    await own.hearing;
    if (!isEnd && own.channel.lasts) return;
    await own.registrations?.end();
    await endChannel(own.channel);
  }

  return {
    update,
    close,
    /** Whether every collection is told of by a connection that is open. */
    isLive: () => held !== undefined && held.isOpen && held.isComplete,
    /** Connects anew, as after a sleep, in which a connection dies and nobody says so. */
    reconnect: () => held?.turn.abort(),
    /** Milliseconds until the first registration is to be renewed. */
    renewsIn: () => held?.registrations?.renewsIn() ?? Infinity,
    /** The registrations that are told of what happens at an address, or all. */
    locations: (address?: string) => held?.registrations?.locations(address) ?? [],
  };
}

const OVER = new ReceiverError("gone", "a transport has ended");

function offerOf({ collections, home, hub }: Look, wanted: Resource[]): Offer {
  const vapidKey = wanted[0]?.push?.vapidKey, all = collections.map(({ url }) => url);
  // A collection that is made or deleted is a change of the home.
  const topics = home && all.length < MAX_REGISTRATIONS ? [...all, home.url] : all;
  return { topics, ...(vapidKey !== undefined && { vapidKey }), ...(hub !== undefined && { hub }) };
}

function termsOf({ subscription }: Channel, { vapidKey, hub, topics }: Offer): string {
  return JSON.stringify(subscription ? vapidKey : [hub, topics]);
}

/** A server that advertises nothing for a while may be one that stands in for it: the channel is kept. */
function isOther({ channel, terms }: Held, offer: Offer): boolean {
  if (channel.subscription && offer.vapidKey === undefined) return false;
  return terms !== termsOf(channel, offer);
}
