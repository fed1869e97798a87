/** Who push services write to when we misbehave (RFC 8292 2.1). It is in what we send them, and nowhere to be asked for. */
import type { Deployment } from "./deployment.ts";
import { ok, skip, type Verdict, warn } from "./verdict.ts";

const ADVICE = "Set CARILLON_CONTACT to a mailto: or https: address of yours: Apple's push service refuses localhost.";

export function checkContact({ settings }: Deployment): Verdict {
  if (!settings) return skip("the contact is known on the worker's machine alone", ADVICE);
  return /@localhost$/.test(settings.contact) ? warn("the contact is at localhost", ADVICE) : ok("there is a contact");
}
