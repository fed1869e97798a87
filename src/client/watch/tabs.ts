/** One watch for all pages of an app: the one that leads watches, and tells the others. */
import { ReceiverError, type ReceiverErrorCode } from "../receiver_error.ts";
import { createElection, type Locks } from "./elect.ts";
import { systemClock } from "./rest.ts";
import { type Options, readAddress, type State, type Watch, watch } from "./watch.ts";

/** What the page that leads says. */
type Led =
  | { kind: "state"; state: State; known: [string, string | undefined][]; headers: Record<string, string> }
  | { kind: "changed"; collection: string; syncToken?: string }
  | { kind: "reported"; code: ReceiverErrorCode; message: string };

/** What pages say to each other; `hello` is of one that is new, `term` grows with each that leads. */
type Said =
  | Led & { term: number }
  | { kind: "hello" }
  | { kind: "synced"; collection: string; syncToken: string }
  | { kind: "look" };

/** Milliseconds until a page that did not take a change is told again. */
const AGAIN = 30_000;

/**
 * The same as `watch`, shared by the pages of an origin that watch one address: one of them asks and listens, all are
 * called. `navigator.locks` elects it, and elects another one when it is closed or silent. Where there are none, each
 * watches.
 */
export function watchInTabs(options: Options): Watch {
  const { locks } = (globalThis as { navigator?: { locks?: Locks } }).navigator ?? {};
  if (!locks) return watch(options);
  const name = `carillon ${readAddress(options.url)}`, channel = new BroadcastChannel(name);
  const ending = new AbortController(), { signal } = ending, known = new Map<string, string | undefined>();
  let state: State = "offline", leading: Watch | undefined, headers: Record<string, string> = {};
  let term = 0, isEnd = false;

  const { clock: { wait, now } = systemClock, random = Math.random } = options;
  const say = (said: Said) => void (signal.aborted || channel.postMessage(said));

  function showState(next: State): void {
    if (next === state) return;
    state = next;
    options.state?.(next);
  }

  const tell = (led: Led) => say({ ...led, term });
  const sayState = () => tell({ kind: "state", state, known: [...known], headers: leading?.writeHeaders() ?? headers });

  /** Whoever has heard of it already, from an earlier leader or as it was new, is not told again. */
  async function change(collection: string, syncToken?: string): Promise<void> {
    if (known.has(collection) && known.get(collection) === syncToken && syncToken !== undefined) return;
    known.set(collection, syncToken);
    await options.changed(collection, syncToken);
  }

  /** What one page hears of the one that watches. */
  function hear({ data: said }: MessageEvent<Said>): void {
    if (said.kind === "hello") return leading && sayState();
    if (said.kind === "look") return leading?.look();
    if (said.kind === "synced") return synced(said.collection, said.syncToken);
    // Whoever was frozen while another took the lead may not know it yet.
    if (leading || said.term < term) return;
    term = said.term;
    election.heard();
    if (said.kind === "changed") void safely(said.collection, said.syncToken);
    if (said.kind === "reported") options.reported?.(new ReceiverError(said.code, said.message));
    if (said.kind === "state") follow(said);
  }

  function follow(said: Extract<Said, { kind: "state" }>): void {
    headers = said.headers;
    const missed = said.known.filter(([collection, token]) =>
      !known.has(collection) || known.get(collection) !== token
    );
    for (const [collection, syncToken] of missed) void safely(collection, syncToken);
    showState(said.state);
  }

  /** A page that fails asks the one that watches where things stand. */
  async function safely(collection: string, syncToken?: string): Promise<void> {
    try {
      await change(collection, syncToken);
    } catch (cause) {
      options.reported?.(new ReceiverError("callback_failed", "a change was not taken: changed threw", { cause }));
      if (known.get(collection) === syncToken) known.delete(collection);
      await wait(AGAIN, signal);
      say({ kind: "hello" });
    }
  }

  function synced(collection: string, syncToken: string): void {
    known.set(collection, syncToken);
    leading?.synced(collection, syncToken);
  }

  /** Until this page is closed, or another has taken the lead. */
  async function lead(turn: AbortSignal): Promise<void> {
    if (turn.aborted) return;
    term = Math.max(term + 1, now());
    const own = leading = watch({ ...options, ...told });
    for (const [collection, syncToken] of known) if (syncToken !== undefined) own.synced(collection, syncToken);
    sayState();
    await new Promise<void>((resolve) => turn.addEventListener("abort", () => resolve()));
    if (!signal.aborted) {
      leading = undefined;
      say({ kind: "hello" });
    }
    await (isEnd ? own.end() : own.close());
  }

  /** What the watch of the page that leads calls. */
  const told = {
    changed: (collection: string, syncToken?: string) => {
      tell({ kind: "changed", collection, ...(syncToken !== undefined && { syncToken }) });
      known.set(collection, syncToken);
      return options.changed(collection, syncToken);
    },
    state: (next: State) => {
      showState(next);
      sayState();
    },
    reported: (fault: ReceiverError) => {
      // A new one that reaches nobody does not stand where the one before it stood.
      if (leading) showState(leading.state), sayState();
      tell({ kind: "reported", code: fault.code, message: fault.message });
      options.reported?.(fault);
    },
  };

  async function close(end: boolean): Promise<void> {
    isEnd = end;
    ending.abort();
    channel.close();
    await election.running;
  }

  channel.onmessage = hear;
  say({ kind: "hello" });
  const election = createElection({ locks, name, wait, random, signal, lead, beat: sayState });
  return {
    get state() {
      return state;
    },
    writeHeaders: (address) => leading?.writeHeaders(address) ?? headers,
    synced: (collection, syncToken) => {
      synced(collection, syncToken);
      say({ kind: "synced", collection, syncToken });
    },
    look: () => leading ? leading.look() : say({ kind: "look" }),
    close: () => close(false),
    end: () => close(true),
  };
}
