/** Holding on to push: a channel by the first transport that can be had, and a registration for each collection. */
import { ReceiverError } from "../receiver_error.ts";
import type { DavEffects } from "./dav.ts";
import type { Look, Resource } from "./look.ts";
import { register, type Registration, unregister } from "./register.ts";
import type { Channel, Offer, Transport } from "./transport.ts";

/** Of its life what may be over before a registration is renewed. */
const RENEW_AFTER = 2 / 3;

/** Collections of one watch that are registered: what a server has to hold for one client. */
const MAX_REGISTRATIONS = 100;

type Deps = {
  effects: DavEffects;
  transports: Transport[];
  clientId: string;
  now: () => number;
  onMessage: (text: string) => void;
  /** A connection was made (true), or lost. */
  onTurn: (isOpen: boolean) => void;
  report: (fault: ReceiverError) => void;
};

/** `terms`: another offer than this needs another channel. */
type Held = {
  channel: Channel;
  terms: string;
  registrations: Map<string, Registration>;
  over: AbortController;
  turn: AbortController;
  hearing?: Promise<void>;
  isOpen: boolean;
  isComplete: boolean;
};

export type Hold = ReturnType<typeof createHold>;

export function createHold(deps: Deps) {
  const { effects, now, report, onTurn } = deps;
  let held: Held | undefined;

  /** Makes what was seen be told: opens a channel, registers what is not, renews what soon ends. */
  async function update(look: Look): Promise<void> {
    const wanted = [...look.collections, ...(look.home ? [look.home] : [])].filter(({ push }) => push);
    const offer = offerOf(look, wanted);
    if (offer.vapidKey === undefined && offer.hub === undefined && !held) await tryOpen(offer, false);
    else if (!held || isOther(held, offer)) await reopenFor(offer);
    if (held) await complete(held, look, wanted.slice(0, MAX_REGISTRATIONS), offer);
  }

  async function reopenFor(offer: Offer): Promise<void> {
    if (held) await drop(held);
    await tryOpen(offer, true);
  }

  /** The first that can be had; where push is there and none can, the app should know. */
  async function tryOpen(offer: Offer, isOffered: boolean): Promise<void> {
    let isUnfit = isOffered && deps.transports.length > 0;
    for (const transport of deps.transports) {
      const channel = await transport(offer, effects.pace).catch((thrown) => {
        isUnfit = false;
        report(faultOf(thrown));
      });
      if (effects.signal.aborted) return void await channel?.end().catch(() => {});
      if (channel) return start(channel, termsOf(channel, offer));
    }
    if (isUnfit) {
      report(new ReceiverError("no_transport", "push is there, and no transport can be used: it is polled"));
    }
  }

  function start(channel: Channel, terms: string): void {
    const [over, turn] = [new AbortController(), new AbortController()];
    const own: Held = { channel, terms, registrations: new Map(), over, turn, isOpen: false, isComplete: false };
    held = own;
    own.hearing = hear(own);
  }

  async function hear(own: Held): Promise<void> {
    const turned = (isOpen: boolean) => {
      own.isOpen = isOpen;
      if (!own.over.signal.aborted) onTurn(isOpen);
    };
    while (!own.over.signal.aborted) {
      own.turn = new AbortController();
      const signal = AbortSignal.any([own.over.signal, own.turn.signal]);
      const onFault = (fault: ReceiverError) => (report(fault), turned(false));
      const heard = own.channel.hear({ signal, onOpen: () => turned(true), onFault, onMessage: deps.onMessage });
      const ended = await heard.then(() => signal.aborted ? undefined : OVER, faultOf);
      if (ended) return void (report(ended), await drop(own, true), onTurn(false));
    }
  }

  async function complete(own: Held, { collections }: Look, wanted: Resource[], { vapidKey }: Offer): Promise<void> {
    if (!own.channel.subscription) return void (own.isComplete = true);
    for (const resource of wanted) {
      if (resource.push!.vapidKey === vapidKey) await keep(own, resource);
    }
    own.isComplete = wanted.length > 0 && collections.every(({ url, push }) => push && own.registrations.has(url));
    const asked = new Set(wanted.map(({ url }) => url));
    for (const url of own.registrations.keys()) if (wanted.length > 0 && !asked.has(url)) own.registrations.delete(url);
  }

  async function keep({ channel, registrations, over }: Held, { url, push }: Resource): Promise<void> {
    const known = registrations.get(url);
    if (over.signal.aborted || effects.signal.aborted || (known && renewalOf(known) > now())) return;
    try {
      const { clientId } = deps, subscription = channel.subscription!;
      registrations.set(url, await register(effects, { url, push: push!, subscription, clientId, now }));
    } catch (thrown) {
      if (known && known.expiresAt <= now()) registrations.delete(url);
      const fault = faultOf(thrown);
      // It was deleted since: the next look tells.
      if (!effects.signal.aborted && fault.code !== "gone") report(fault);
    }
  }

  /** The channel is given up; it may hear nothing by itself any more (`isOver`). */
  async function drop(own: Held, isOver = false): Promise<void> {
    if (held === own) held = undefined;
    own.over.abort();
    if (!isOver) await own.hearing;
    await own.channel.end().catch(() => {});
  }

  /** Stops; what does not last, or all, is taken back. */
  async function close(isEnd: boolean): Promise<void> {
    const own = held;
    if (!own) return;
    held = undefined;
    own.over.abort();
    await own.hearing;
    if (!isEnd && own.channel.lasts) return;
    const unaborted = { ...effects, signal: new AbortController().signal };
    await Promise.allSettled([...own.registrations.values()].map((each) => unregister(unaborted, each)));
    await own.channel.end().catch(() => {});
  }

  return {
    update,
    close,
    /** Whether every collection is told of by a connection that is open. */
    isLive: () => held !== undefined && held.isOpen && held.isComplete,
    /** Connects anew, as after a sleep, in which a connection dies and nobody says so. */
    reconnect: () => held?.turn.abort(),
    /** When the first registration is to be renewed, milliseconds since 1970. */
    renewal: () => Math.min(Infinity, ...[...held?.registrations.values() ?? []].map(renewalOf)),
    /** The registrations that are told of what happens at an address, or all. */
    locations: (address?: string) =>
      [...held?.registrations ?? []].filter(([url]) => address === undefined || isWithin(address, url))
        .map(([, { location }]) => location),
  };
}

const OVER = new ReceiverError("gone", "a transport has ended");

/** With the last slash or without, and not in another whose name begins alike. */
const isWithin = (address: string, url: string) => `${address}/`.startsWith(url.replace(/\/?$/, "/"));

function offerOf({ collections, hub }: Look, wanted: Resource[]): Offer {
  const vapidKey = wanted[0]?.push?.vapidKey, topics = collections.map(({ url }) => url);
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

const renewalOf = ({ madeAt, expiresAt }: Registration) => madeAt + (expiresAt - madeAt) * RENEW_AFTER;

/** What an app's own transport, or a browser, throws may hold an address. */
function faultOf(thrown: unknown): ReceiverError {
  if (thrown instanceof ReceiverError) return thrown;
  return new ReceiverError("unavailable", "a transport did not open, or broke off");
}
