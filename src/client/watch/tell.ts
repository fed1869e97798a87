/** Telling the app: each change once, what comes at once as one, and never while it is still busy with the last. */
import { ReceiverError } from "../receiver_error.ts";

/** Where a collection stands; `mark` is the sync-token, or what stands for it. */
export type Standing = { mark: string; syncToken?: string };

/** The app is called with a collection's address and its sync-token, where the server has one. */
export type Changed = (collection: string, syncToken?: string) => Promise<void> | void;

type Deps = {
  changed: Changed;
  wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  report: (fault: ReceiverError) => void;
  signal: AbortSignal;
};

/** Milliseconds after one call that what comes is kept, and told as one. */
const QUIET = 1_000;

/** Marks that are remembered of a collection: a push that comes late brings one of them. */
const REMEMBERED = 32;

/** `count` grows with what is told; `pending` is what the app will be told. */
type Known = { last?: string; past: string[]; count: number; pending?: Standing; isBusy: boolean };

export type Tell = ReturnType<typeof createTell>;

export function createTell({ changed, wait, report, signal }: Deps) {
  const all = new Map<string, Known>();

  function of(url: string): Known {
    const known = all.get(url) ?? { past: [], count: 0, isBusy: false };
    all.set(url, known);
    return known;
  }

  function remember(known: Known, mark: string): void {
    known.past = [...known.past.filter((past) => past !== mark), mark].slice(-REMEMBERED);
    [known.last, known.count] = [mark, known.count + 1];
  }

  function tell(url: string, standing: Standing): void {
    const known = of(url);
    if (standing.mark === known.last) return;
    remember(known, standing.mark);
    known.pending = standing;
    if (!known.isBusy) void empty(url, known);
  }

  async function empty(url: string, known: Known): Promise<void> {
    known.isBusy = true;
    while (known.pending && !signal.aborted) {
      const { mark, syncToken } = known.pending;
      known.pending = undefined;
      await call(url, known, mark, syncToken);
      await wait(QUIET, signal);
    }
    known.isBusy = false;
  }

  async function call(url: string, known: Known, mark: string, syncToken?: string): Promise<void> {
    try {
      await changed(url, syncToken);
    } catch (cause) {
      // A look tells it again, unless something newer is told, or is there, already.
      if (known.last === mark) known.last = undefined;
      report(new ReceiverError("callback_failed", "a change was not taken: changed threw", { cause }));
    }
  }

  return {
    tell,
    /** How much was told of it: a look that began before the last of it may be older. */
    count: (url: string) => all.get(url)?.count ?? 0,
    /** What a push brings is new if it never stood there; a token of the past may be back, or late: only a look tells. */
    isNew: (url: string, mark: string) => !of(url).past.includes(mark),
    isLast: (url: string, mark: string) => of(url).last === mark,
    /** The app has it, by its own writes or otherwise: it is not told of it. */
    synced(url: string, mark: string): void {
      const known = of(url);
      if (known.pending?.mark === mark) known.pending = undefined;
      remember(known, mark);
    },
    /** All that were told of, or that the app has, whatever became of them. */
    urls: () => [...all.keys()],
  };
}
