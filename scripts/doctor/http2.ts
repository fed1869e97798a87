/** HTTP/2: a browser opens six connections to a host at most, and each event stream would hold one of HTTP/1.1. */
import { type Deployment, isTls } from "./deployment.ts";
import { shakeHands } from "./handshake.ts";
import { ok, skip, type Verdict, warn } from "./verdict.ts";

export async function checkHttp2(deployment: Deployment): Promise<Verdict> {
  if (!isTls(deployment)) return skip("browsers speak HTTP/2 over TLS alone", "Give --url with https: to see it.");
  const { alpn } = await shakeHands(deployment);
  if (alpn === "h2") return ok("HTTP/2");
  return warn(
    `${alpn} alone: a browser has six streams of a host, in all its tabs`,
    "Switch HTTP/2 on in the proxy: listen 443 ssl http2 in nginx, Caddy has it on.",
  );
}
