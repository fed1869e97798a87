/** nginx as a server that costs almost nothing: it gives files, takes them, and passes on to another one like it. */
import { join } from "node:path";
import { startProcess } from "../lib/process.ts";
import { freePort, listening } from "../lib/free_port.ts";
import { nginxConfiguration } from "./nginx_configuration.ts";
import { freshFolder } from "./paths.ts";

export type StaticNginx = { url: string; port: number; pid: number } & AsyncDisposable;

/**
 * `files` are given by their names; PUT is taken anywhere. PROPFIND of /canned answers `canned.xml` as a multistatus, and
 * `caller.xml` at Depth 0.
 */
export async function startStaticNginx(files: Record<string, Uint8Array | string>): Promise<StaticNginx> {
  const folder = await freshFolder("static");
  await Deno.mkdir(join(folder, "files"));
  for (const [name, data] of Object.entries(files)) {
    await Deno.writeFile(join(folder, "files", name), typeof data === "string" ? new TextEncoder().encode(data) : data);
  }
  return await start(folder, (port) => SERVE.replace("PORT", `${port}`));
}

/** What a proxy in C reaches on this machine: nginx in front of it. */
export async function startNginxProxy(upstream: string): Promise<StaticNginx> {
  const folder = await freshFolder("proxy");
  return await start(folder, (port) => PASS.replace("PORT", `${port}`).replace("UPSTREAM", new URL(upstream).host));
}

async function start(folder: string, print: (port: number) => string): Promise<StaticNginx> {
  const port = freePort(), path = join(folder, "nginx.conf");
  await Deno.writeTextFile(path, nginxConfiguration(print(port)));
  const nginx = startProcess("nginx", { args: ["-p", folder, "-c", path, "-e", "stderr"] });
  await listening(port, "nginx (apt-get install nginx-light)");
  return { url: `http://127.0.0.1:${port}`, port, pid: nginx.pid, [Symbol.asyncDispose]: stop };

  async function stop(): Promise<void> {
    await nginx.end();
    await Deno.remove(folder, { recursive: true });
  }
}

const SERVE = `  map $http_depth $answer { 0 /caller.xml; default /canned.xml; }
  server {
    listen 127.0.0.1:PORT;
    root files;
    client_max_body_size 0;
    default_type application/xml;
    location / { dav_methods PUT; }
    location = /canned { error_page 405 =207 $answer; }
  }
`;

const PASS = `  upstream behind { server UPSTREAM; keepalive 32; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:PORT;
    client_max_body_size 0;
    location / { proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
`;
