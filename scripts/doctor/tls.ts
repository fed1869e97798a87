/** TLS: the chain is trusted, is for this host, and lasts. */
import { isThisMachine } from "../lib/address.ts";
import { type Deployment, isTls } from "./deployment.ts";
import { shakeHands } from "./handshake.ts";
import { fail, ok, type Verdict, warn } from "./verdict.ts";

const DAY = 86_400_000;

/** Days. Let's Encrypt's clients renew thirty days ahead: what is left of two weeks was not renewed. */
const SOON = 14;

const PLAIN = "Put nginx or Caddy with a certificate in front (docs/deploy.md): tokens must not travel in the open.";

export async function checkTls(deployment: Deployment): Promise<Verdict> {
  if (!isTls(deployment)) return checkPlain(deployment);
  try {
    return judge(await shakeHands(deployment), deployment);
  } catch {
    return fail(
      "there was no TLS handshake",
      "Let the proxy speak TLS 1.2 or 1.3 at this port (listen 443 ssl), or write http: in --url.",
    );
  }
}

function checkPlain({ host }: Deployment): Verdict {
  if (isThisMachine(host)) return ok("no TLS, and none is needed on this machine itself");
  return warn("no TLS", PLAIN);
}

function judge({ fault, until, protocol }: Awaited<ReturnType<typeof shakeHands>>, { host, now }: Deployment) {
  const days = Math.floor((until - now()) / DAY), last = new Date(until).toISOString().slice(0, 10);
  if (until < now()) {
    return fail(`the certificate expired on ${last}`, "Renew it (certbot renew), and reload the proxy.");
  }
  if (fault) return fail(`the certificate is not trusted: ${fault}`, adviceOn(fault, host));
  if (days < SOON) {
    return warn(
      `${protocol}, the certificate ends on ${last}`,
      "Renew it now, and see why nothing renews it by itself.",
    );
  }
  return ok(`${protocol}, the certificate lasts until ${last}`);
}

function adviceOn(fault: string, host: string): string {
  if (/ALTNAME|HOSTNAME|NAME/.test(fault)) {
    return `Get a certificate for ${host}, or give the name that it is for in --url.`;
  }
  if (/NOT_YET/.test(fault)) return "Set the clock of this machine, or wait until the certificate begins.";
  return "Serve the full chain (fullchain.pem, not cert.pem); for an authority of your own give --ca FILE.";
}
