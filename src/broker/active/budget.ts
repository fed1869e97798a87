/**
 * What the streams of one owner may cost the journal: each is told of when it opens and when it ends, so that somebody who
 * connects again and again could push everybody's events out of what is kept.
 */
import { CarillonError } from "../../errors.ts";
import type { Asked } from "../../model/active_subscription.ts";

/** Bytes at once, enough for a hundred streams of five matchers that all come back; and bytes a second. */
const BURST = 2 * 1024 * 1024;
const RATE = 64 * 1024;

/** Readers that nobody names share so many times as much. */
const UNNAMED = 16;

/** Bytes of an update besides the matcher and the payload; and of each character of the matcher, which stands in it thrice. */
const UPDATE = 600;
const CHARACTER = 8;

/** Owners that are remembered: of more, those who have paid are forgotten, which is looked at once in so many milliseconds. */
const MAX_OWNERS = 10_000;
const FORGET_EVERY = 1_000;

type Account = { owed: number; at: number };

/** Charges an owner for a stream, its beginning and its end. Throws `too_many_streams`. */
export type Spend = (owner: string | undefined, asked: Asked[]) => void;

/** `elapsed` never jumps, milliseconds. */
export function createBudget(elapsed: () => number): Spend {
  const accounts = new Map<string | undefined, Account>();
  let forgetAt = 0;

  /** What is owed is paid as time passes. */
  function accountOf(owner: string | undefined): Account {
    const account = accounts.get(owner), at = elapsed(), share = shareOf(owner);
    return { owed: account ? Math.max(0, account.owed - share * RATE * (at - account.at) / 1000) : 0, at };
  }

  function forgetPaid(at: number): void {
    if (accounts.size < MAX_OWNERS || at < forgetAt) return;
    forgetAt = at + FORGET_EVERY;
    for (const owner of accounts.keys()) if (accountOf(owner).owed === 0) accounts.delete(owner);
  }

  return (owner, asked) => {
    const account = accountOf(owner);
    if (account.owed >= shareOf(owner) * BURST) {
      throw new CarillonError("too_many_streams", "the stream was refused: its subject opens streams too often");
    }
    forgetPaid(account.at);
    accounts.set(owner, { ...account, owed: account.owed + costOf(asked) });
  };
}

const shareOf = (owner: string | undefined) => owner === undefined ? UNNAMED : 1;

function costOf(asked: Asked[]): number {
  const payload = ({ payload }: Asked) => payload ? JSON.stringify(payload).length : 0;
  return 2 * asked.reduce((sum, each) => sum + UPDATE + CHARACTER * each.match.length + payload(each), 0);
}
