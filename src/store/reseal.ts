/** Sealing anew, for another `CARILLON_SECRET`: one record at a time, so that what was cut off goes on when it is begun again. */
import type { Keys, Subscription } from "../model/subscription.ts";
import { withDeadline } from "./deadline.ts";
import { SEALED_KEYS } from "./keys.ts";
import { createEnvelope, type Envelope, isSealed, open, seal } from "./seal.ts";
import { unreadable } from "./store_error.ts";
import { findSubscription, saveSubscription, SUBSCRIPTION } from "./subscriptions.ts";

/** Without `from` what stands there is not sealed yet. */
export type Secrets = { from: string | undefined; to: string };

/** Webhooks that are sealed by `to` now, and those that neither secret opens, which stay as they are. */
export type Resealed = { sealed: number; left: number };

type Envelopes = { from: Envelope; to: Envelope };

/** Workers must be stopped: they have one secret alone. Throws `StoreError` before anything is written if `from` is wrong. */
export async function reseal(kv: Deno.Kv, { from, to }: Secrets): Promise<Resealed> {
  const keys = await Promise.all(SEALED_KEYS.map((key) => openKey(kv, key, { from, to })));
  const envelopes = { from: createEnvelope(from), to: createEnvelope(to) }, count: Resealed = { sealed: 0, left: 0 };
  for await (const { key } of kv.list({ prefix: SUBSCRIPTION })) {
    const done = await resealSubscription(kv, key[1] as string, envelopes);
    if (done) count[done]++;
  }
  // Last, and together: until they are written the old secret is the one that a worker starts with.
  const atomic = kv.atomic();
  for (const { key, text } of keys.filter((each) => each !== undefined)) atomic.set(key, await seal(text, to));
  await withDeadline("sealing the keys", atomic.commit());
  return count;
}

/** Undefined for what no worker has made yet. */
async function openKey(kv: Deno.Kv, key: Deno.KvKey, { from, to }: Secrets) {
  const { value, versionstamp } = await withDeadline("reading a key", kv.get<unknown>(key));
  if (versionstamp === null) return undefined;
  if (!isSealed(value)) throw unreadable(key);
  return { key, text: await open(value, to).catch(() => open(value, from)) };
}

/** Undefined for what holds nothing that is sealed. */
async function resealSubscription(kv: Deno.Kv, id: string, by: Envelopes): Promise<keyof Resealed | undefined> {
  const found = await findSubscription(kv, id), { kept } = found;
  if (kept?.subscription.transport !== "webhook") return undefined;
  const keys = await resealKeys(kept.subscription.keys, by).catch(() => undefined);
  if (!keys) return "left";
  // Equal texts are sealed alike: these were sealed before something cut it off.
  if (Object.entries(keys).every(([name, text]) => text === kept.subscription.keys[name])) return "sealed";
  const subscription: Subscription = { ...kept.subscription, keys };
  const isWritten = await saveSubscription(kv, found, { ...kept, subscription });
  return isWritten ? "sealed" : await resealSubscription(kv, id, by);
}

async function resealKeys(keys: Keys, { from, to }: Envelopes): Promise<Keys> {
  const sealed = Object.entries(keys).map(async ([name, text]) => {
    const plain = await to.unseal(text!).catch(() => from.unseal(text!));
    return [name, await to.seal(plain)] as const;
  });
  return Object.fromEntries(await Promise.all(sealed));
}
