/** A push service that takes everything and keeps nothing: nginx over HTTP/2 and TLS, as cheap as it can be. */
import { join } from "node:path";
import { makeCertificates } from "../lib/certificates.ts";
import { freePort, listening } from "../lib/free_port.ts";
import { nginxConfiguration } from "./nginx_configuration.ts";
import { freshFolder } from "./paths.ts";

export type PushSink = { origin: string; ca: string } & AsyncDisposable;

/** Starts it on one core; throws how to install it where it is missing. */
export async function startPushSink(core: number): Promise<PushSink> {
  const folder = await freshFolder("push"), port = freePort();
  const { ca, cert, key } = await makeCertificates([], ["127.0.0.1"]);
  const files = { "cert.pem": cert, "key.pem": key, "nginx.conf": configuration(port) };
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(join(folder, name), text);
  const args = ["-c", `${core}`, "nginx", "-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"];
  const nginx = new Deno.Command("taskset", { args }).spawn();
  const ended = nginx.status.then(() => {
    throw new Error("nginx did not start: apt-get install nginx-light");
  });
  await Promise.race([listening(port, "nginx"), ended]);
  return { origin: `https://127.0.0.1:${port}`, ca, [Symbol.asyncDispose]: stop };

  async function stop(): Promise<void> {
    ended.catch(() => {});
    nginx.kill("SIGTERM");
    await nginx.status;
    await Deno.remove(folder, { recursive: true });
  }
}

function configuration(port: number): string {
  return nginxConfiguration(`  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    location / { return 201; }
  }
`);
}
