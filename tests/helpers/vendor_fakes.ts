/** Apple and Google as their documentation has them, each with an account of ours that it knows. */
import { openApns } from "../fakes/apns.ts";
import { openFcm } from "../fakes/fcm.ts";
import { certificates } from "./certificates.ts";
import { apnsAccount, fcmAccount, p256Pem, publicHalf, rsaPem } from "./vendor_accounts.ts";

/** `now` is the fake's clock, and `life` the seconds of its access tokens. */
type Options = { key?: string; now?: () => number; life?: number };

/** `credentials` are as a worker is given them; dispose of `fake`. */
export async function openApple({ key = p256Pem(), now }: Options = {}) {
  const account = apnsAccount("", key);
  const fake = await openApns({ certificates, account: { ...account, publicKey: publicHalf(key) }, now });
  return { fake, credentials: { ...account, server: fake.origin } };
}

export async function openGoogle({ key = rsaPem(), now, life }: Options = {}) {
  const account = fcmAccount("", key);
  const fake = await openFcm({ certificates, account: { ...account, publicKey: publicHalf(key) }, now, life });
  return { fake, credentials: { ...account, tokenUri: fake.tokenUri, server: fake.origin } };
}
