/** Rates: how many changes a second an issuer may publish here. A token bucket for each, which holds a second's worth. */
import { CarillonError } from "../errors.ts";

/** `left` may be owed: a message is taken whole, and what follows waits until it is paid. */
type Bucket = { rate: number; left: number; at: number };

/** Charges an issuer for so many changes. Throws `too_many_changes` with the seconds until there is room again. */
export type Charge = (iss: string, changes: number) => void;

/** `rate` is in changes a second; an issuer without one is not limited. `elapsed` never jumps, milliseconds. */
export function createRates(issuers: { iss: string; rate?: number }[], elapsed: () => number): Charge {
  const buckets = new Map<string, Bucket>();
  for (const { iss, rate } of issuers) if (rate !== undefined) buckets.set(iss, { rate, left: rate, at: elapsed() });
  return (iss, changes) => {
    const bucket = buckets.get(iss);
    if (!bucket) return;
    fill(bucket, elapsed());
    if (bucket.left <= 0) throw tooMany(bucket);
    bucket.left -= changes;
  };
}

function fill(bucket: Bucket, now: number): void {
  bucket.left = Math.min(bucket.rate, bucket.left + bucket.rate * (now - bucket.at) / 1000);
  bucket.at = now;
}

function tooMany({ rate, left }: Bucket): CarillonError {
  const seconds = Math.floor(-left / rate) + 1;
  return new CarillonError("too_many_changes", `the issuer publishes faster than it may: ${rate} changes a second`, {
    "retry-after": `${seconds}`,
  });
}
