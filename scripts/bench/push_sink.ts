/** A push service that takes everything and keeps nothing: nginx over HTTP/2 and TLS, as cheap as it can be. */
import { join } from "node:path";
import { makeCertificates } from "../lib/certificates.ts";
import { freePort, listening } from "../lib/free_port.ts";
import { nginxConfiguration } from "./nginx_configuration.ts";
import { freshFolder } from "./paths.ts";

/** `env` has the settings of a worker that is to reach it. */
export type PushSink = AsyncDisposable & {
  origin: string;
  ca: string;
  env: Record<string, string>;
  /** When each message to a path below `/timed/` came, milliseconds since 1970. */
  readTimes: () => Promise<Map<string, number>>;
};

/** Starts it on one core; throws how to install it where it is missing. */
export async function startPushSink(core: number, port = freePort()): Promise<PushSink> {
  const folder = await freshFolder("push");
  const { ca, cert, key } = await makeCertificates([], ["127.0.0.1"]);
  const files = { "ca.pem": ca, "cert.pem": cert, "key.pem": key, "nginx.conf": configuration(port) };
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(join(folder, name), text);
  const args = ["-c", `${core}`, "nginx", "-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"];
  const nginx = new Deno.Command("taskset", { args }).spawn();
  const ended = nginx.status.then(() => {
    throw new Error("nginx did not start: apt-get install nginx-light");
  });
  await Promise.race([listening(port, "nginx"), ended]);
  const env = { CARILLON_PUSH_HOSTS: `127.0.0.1:${port}`, NODE_EXTRA_CA_CERTS: join(folder, "ca.pem") };
  return { origin: `https://127.0.0.1:${port}`, ca, env, readTimes, [Symbol.asyncDispose]: stop };

  async function readTimes(): Promise<Map<string, number>> {
    const lines = (await Deno.readTextFile(join(folder, "timed.log"))).matchAll(/^(\S+) (\S+)\n/gm);
    // Of several messages to one path the first counts.
    return new Map([...lines].reverse().map(([, at, path]) => [path!, Number(at) * 1000]));
  }

  async function stop(): Promise<void> {
    ended.catch(() => {});
    nginx.kill("SIGTERM");
    await nginx.status;
    await Deno.remove(folder, { recursive: true });
  }
}

function configuration(port: number): string {
  return nginxConfiguration(`  log_format timed "$msec $uri";
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    location / { return 201; }
    location /timed/ { access_log timed.log timed; return 201; }
  }
`);
}
