/** The token that was given, as far as it can be read without the key. */
import { decodeJwt } from "jose";
import { CLOCK_TOLERANCE } from "../../src/access/jwt.ts";
import { hubOf } from "../lib/address.ts";
import type { Deployment } from "./deployment.ts";
import { fail, ok, skip, type Verdict } from "./verdict.ts";

export function checkToken({ credential, url, topic, now }: Deployment): Verdict {
  const make = `deno task token --url ${url} --publish ${topic} --subscribe ${topic}`;
  if (!credential) {
    return skip("without a token nothing can be rung", `Give --token "$(${make})", or --key and --issuer.`);
  }
  const { aud, exp = Infinity, iat = 0 } = read(credential.token), seconds = now() / 1000;
  const again = `Make a new one: ${make}`;
  if (![aud].flat().some((each) => each === url || each === hubOf(url))) return fail("it is for another worker", again);
  if (exp <= seconds) return fail(`it expired ${Math.round(seconds - exp)} s ago`, again);
  if (iat > seconds + CLOCK_TOLERANCE) {
    return fail("it was issued in the future", "Set the clock of this machine, or of whoever issued it.");
  }
  return ok(exp === Infinity ? "it does not expire" : `it lives for ${Math.round(exp - seconds)} s`);
}

function read(token: string): ReturnType<typeof decodeJwt> {
  try {
    return decodeJwt(token);
  } catch {
    return {};
  }
}
