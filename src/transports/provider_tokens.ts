/**
 * Provider tokens of APNs ("Establishing a token-based connection to APNs"): JWTs that our key signs, no more than one in
 * 20 minutes, none older than an hour.
 */
import { type CryptoKey, importPKCS8, SignJWT } from "jose";
import type { Clock } from "../clock.ts";
import type { ApnsCredentials } from "../config/vendors.ts";
import type { Tokens } from "./vendor.ts";

/** Milliseconds: one is used so long, and another one is made no sooner, whatever happens. */
export const RENEW_AFTER = 50 * 60_000;
export const RENEW_NO_SOONER = 20 * 60_000;

/** `iat` by the wall clock, as Apple sees it; `since` by the one that never jumps, by which we count. */
type Token = { header: Promise<string>; iat: number; since: number };

type Account = Pick<ApnsCredentials, "teamId" | "keyId" | "key">;

export function createProviderTokens({ teamId, keyId, key }: Account, clock: Clock): Tokens {
  let privateKey: Promise<CryptoKey> | undefined, token: Token | undefined;

  async function get(): Promise<string> {
    if (!token || isOld(token) && left() === 0) token = sign();
    return await token.header;
  }

  /** Also one that is of the future, since the wall clock was set right. */
  function isOld({ iat }: Token): boolean {
    const age = clock.now() - iat;
    return age < 0 || age >= RENEW_AFTER;
  }

  /** Of those that had one refused at once the first signs: then it is too soon for the others, which get the new one. */
  async function renew(): Promise<string> {
    if (!token || left() === 0) token = sign();
    return await token.header;
  }

  function left(): number {
    return token ? Math.max(0, token.since + RENEW_NO_SOONER - clock.elapsed()) : 0;
  }

  function sign(): Token {
    const iat = clock.now();
    return { header: print(Math.floor(iat / 1000)), iat, since: clock.elapsed() };
  }

  async function print(iat: number): Promise<string> {
    privateKey ??= importPKCS8(key, "ES256");
    const token = new SignJWT({ iss: teamId, iat }).setProtectedHeader({ alg: "ES256", kid: keyId });
    return `bearer ${await token.sign(await privateKey)}`;
  }

  return { get, renew, left };
}
