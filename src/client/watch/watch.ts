/** Watching a calendar, an address book, or the home of many: by push where there is any, and by polling where not. */
import { toBase64Url } from "../base64url.ts";
import { ReceiverError } from "../receiver_error.ts";
import { type Fetch, systemFetch } from "../request.ts";
import { createHear } from "./hear.ts";
import { createHold } from "./hold.ts";
import { createLook, type Look } from "./look.ts";
import { afterFault, whilePolling, whilePushed } from "./paces.ts";
import { type Clock, createRest, systemClock } from "./rest.ts";
import { type Changed, createTell } from "./tell.ts";
import type { Transport } from "./transport.ts";
import { webPush } from "./web_push.ts";
import { writeHeaders } from "./write_headers.ts";

/** `offline`: neither is it told, nor was the last look answered. */
export type State = "push" | "poll" | "offline";

export type Options = {
  /** An address book, a calendar, or the home of them, as the server gives its address. */
  url: string;
  /** Of a home: whether this one is watched. All are where it is left out, and those to come. */
  chosen?: (collection: string) => boolean;
  /** Sends what goes to the DAV server, with the user's credentials; or `headers` hold them. */
  fetch?: Fetch;
  headers?: Record<string, string>;
  /** The first that can be used is; `[webPush()]` where it is left out. */
  transports?: Transport[];
  /** Called with where each collection stands at first, and then once for each change; one that was deleted has no token. */
  changed: Changed;
  state?: (state: State) => void;
  /** Told of what a server did wrong or refused, once while it lasts. */
  reported?: (fault: ReceiverError) => void;
  /** A name of this device that says nothing of its user; a random one where it is left out. */
  clientId?: string;
  clock?: Clock;
  random?: () => number;
};

export type Watch = {
  readonly state: State;
  /** What the app must put on its writes, so that it is not told of them; an address for those of that collection alone. */
  writeHeaders: (address?: string) => Record<string, string>;
  /** The app has a collection as of this token, by its own sync: it is not told of that. */
  synced: (collection: string, syncToken: string) => void;
  /** Looks soon, as when the network is back. */
  look: () => void;
  /** Stops. Web Push goes on to reach the service worker. */
  close: () => Promise<void>;
  /** Stops, and takes back what was registered. */
  end: () => Promise<void>;
};

/**
 * Milliseconds within which is looked: after a message without a token; a new connection or a sleep; a lost connection, or
 * a change that the app did not take.
 */
const SOON = 1_000, CALM = 10_000, LATER = 60_000;

/** Throws a `TypeError` for an address that is none, or that holds a password. */
export function watch(options: Options): Watch {
  const { changed, clock = systemClock, random = Math.random, transports = [webPush()] } = options;
  const url = readAddress(options.url),
    clientId = options.clientId ?? toBase64Url(crypto.getRandomValues(new Uint8Array(16)));
  const ending = new AbortController(), { signal } = ending, said = new Set<string>(), failed = new Set<string>();
  const effects = {
    fetch: options.fetch ?? systemFetch,
    headers: options.headers ?? {},
    signal,
    pace: { ...clock, random },
  };
  let state: State = "offline", isReached = false;

  const tell = createTell({ changed, wait: clock.wait, report, signal });
  const rest = createRest({ clock, random, signal, onWake });
  const hear = createHear({ tell, elapsed: clock.elapsed, lookSoon: () => rest.within(SOON) });
  const hold = createHold({ effects, transports, clientId, now: clock.now, onMessage: hear.take, onTurn, report });
  const look = createLook(effects, url, options.chosen);

  function report(fault: ReceiverError): void {
    if (fault.code === "callback_failed") rest.within(LATER);
    if (signal.aborted || said.has(fault.message)) return;
    said.add(fault.message);
    apart(() => options.reported?.(fault));
  }

  function showState(): void {
    const shown = hold.isLive() ? "push" : isReached ? "poll" : "offline";
    if (shown === state || signal.aborted) return;
    if (shown === "push") said.clear();
    state = shown;
    apart(() => options.state?.(shown));
  }

  function onTurn(isOpen: boolean): void {
    showState();
    rest.within(isOpen ? CALM : LATER);
  }

  function onWake(): void {
    hold.reconnect();
    rest.within(CALM);
  }

  /** Answers what went wrong. */
  async function lookOnce(): Promise<{ isNew: boolean } | ReceiverError> {
    const compare = hear.begin();
    try {
      const found = await look();
      isReached = true;
      // What is over is told again when it comes again.
      for (const message of failed) said.delete(message);
      failed.clear();
      const isNew = compare(found);
      await follow(found);
      return { isNew };
    } catch (thrown) {
      // Whatever else is thrown is a fault of this library: it must not end the watch.
      const fault = thrown instanceof ReceiverError ? thrown : new ReceiverError("malformed", "a look failed");
      isReached = false;
      failed.add(fault.message);
      report(fault);
      if (fault.code === "gone") hear.vanish(url);
      return fault;
    }
  }

  async function follow(found: Look): Promise<void> {
    for (const fault of found.faults) report(fault);
    showState();
    await hold.update(found);
  }

  async function run(): Promise<void> {
    for (let misses = 0, quiet = 0; !signal.aborted;) {
      rest.begin();
      const outcome = await lookOnce();
      showState();
      const fault = outcome instanceof ReceiverError ? outcome : undefined;
      misses = fault ? misses + 1 : 0;
      quiet = "isNew" in outcome && outcome.isNew ? 0 : quiet + 1;
      if (fault) await rest.until(afterFault(misses, fault.retryAfter, random));
      else if (hold.isLive()) await rest.until(whilePushed(hold.renewsIn(), random));
      else await rest.until(whilePolling(quiet, random));
    }
  }

  async function close(isEnd: boolean): Promise<void> {
    ending.abort();
    await running;
    await hold.close(isEnd);
  }

  // What is called at once after `watch` counts before the first look.
  const running = Promise.resolve().then(run);
  return {
    get state() {
      return state;
    },
    writeHeaders: (address) => writeHeaders(clientId, hold.locations(address)),
    synced: tell.synced,
    look: () => rest.within(SOON),
    close: () => close(false),
    end: () => close(true),
  };
}

/** What the app's own functions throw is the app's, as of any listener, and does not end the watch. */
const apart = (call: () => void) => queueMicrotask(call);

/** Throws a `TypeError`. */
export function readAddress(text: string): string {
  const url = new URL(text);
  if (/^https?:$/.test(url.protocol) && !url.username && !url.password) return url.href;
  throw new TypeError("the address was refused: it is no http address, or holds a password; give that to `fetch`");
}
