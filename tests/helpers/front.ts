/** A proxy with TLS in front of a worker: nginx or Caddy, with a block of a document as its configuration. */
import { nginxConfiguration } from "../../scripts/lib/nginx_configuration.ts";
import { type Running, startProcess } from "./process.ts";
import type { Certificates } from "../../scripts/lib/certificates.ts";
import { certificates } from "./certificates.ts";

/** Where a front listens, and where the worker behind it does; `folder` has its files. */
export type Place = { port: number; worker: number; folder: string; shown?: Certificates };

export type Front = { name: string; start: (block: string, place: Place) => Promise<Running> };

/** The DAV door and all other doors, as the document names them, and as they are here. */
export const DAV_HOST = "localhost";
export const HOST = "127.0.0.1";

export const nginx: Front = {
  name: "nginx",
  start: async (block, { port, worker, folder, shown = certificates }) => {
    const server = named(block)
      .replace("listen 443 ssl", `listen 127.0.0.1:${port} ssl`)
      .replace("127.0.0.1:8411", `127.0.0.1:${worker}`)
      .replaceAll("/etc/ssl/example.com", await writeCertificate(folder, shown));
    const configuration = nginxConfiguration(folder, server, { errors: "notice" });
    await Deno.writeTextFile(`${folder}/nginx.conf`, configuration);
    const running = startProcess("nginx", { args: ["-p", folder, "-e", "stderr", "-c", `${folder}/nginx.conf`] });
    await running.until(/event method/);
    return running;
  },
};

export const caddy: Front = {
  name: "Caddy",
  start: async (block, { port, worker, folder, shown = certificates }) => {
    const tls = `tls ${await writeCertificate(folder, shown)}/fullchain.pem ${folder}/privkey.pem`;
    const site = named(block)
      .replace(/^[a-z\d].*(?= \{$)/m, (hosts) => hosts.replace(/[^\s,]+/g, `https://$&:${port}`))
      .replace(/^https:.* \{$/m, `$&\n\t${tls}`)
      .replace("127.0.0.1:8411", `127.0.0.1:${worker}`);
    const options = "\tadmin off\n\tauto_https disable_redirects\n";
    const file = site.startsWith("{\n") ? site.replace("{\n", `{\n${options}`) : `{\n${options}}\n${site}`;
    await Deno.writeTextFile(`${folder}/Caddyfile`, file);
    const args = ["run", "--config", `${folder}/Caddyfile`, "--adapter", "caddyfile"];
    const running = startProcess("caddy", { args, env: { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder } });
    await running.until(/serving initial configuration/);
    return running;
  },
};

/** Throws where there is none. */
export async function findFront({ name }: Front): Promise<string> {
  const program = name.toLowerCase();
  await new Deno.Command(program, { args: [name === "nginx" ? "-v" : "version"] }).output();
  return program;
}

const named = (block: string) => block.replaceAll("dav.example.com", DAV_HOST).replaceAll("push.example.com", HOST);

async function writeCertificate(folder: string, { cert, key, ca }: Certificates): Promise<string> {
  await Deno.writeTextFile(`${folder}/fullchain.pem`, cert);
  await Deno.writeTextFile(`${folder}/privkey.pem`, key);
  await Deno.writeTextFile(`${folder}/ca.pem`, ca);
  return folder;
}
