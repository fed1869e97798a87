/** nchan, the nginx module that others measure themselves by: a process of our own with a configuration of its own. */
import { join } from "node:path";
import { withFiles } from "./files_limit.ts";
import { freePort } from "../lib/free_port.ts";
import { freshFolder } from "./paths.ts";

const MODULES = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/local/lib/nginx/modules"];

export const HOW_TO_INSTALL = "nginx with nchan is missing: apt-get install nginx-light libnginx-mod-nchan";

export type Nchan = { port: number; pid: number } & AsyncDisposable;

/** Starts nginx with one worker; undefined when it or the module is not installed. */
export async function startNchan(): Promise<Nchan | undefined> {
  const module = await findModule();
  if (!module) return undefined;
  const folder = await freshFolder("nchan"), port = freePort();
  await Deno.writeTextFile(join(folder, "nginx.conf"), configuration(module, port));
  const master = withFiles("nginx", ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"]).spawn();
  await answering(port);
  return { port, pid: await workerOf(master.pid), [Symbol.asyncDispose]: stop };

  async function stop(): Promise<void> {
    master.kill("SIGTERM");
    await master.status;
    await Deno.remove(folder, { recursive: true });
  }
}

async function findModule(): Promise<string | undefined> {
  if (!await runs("nginx")) return undefined;
  for (const folder of MODULES) {
    const path = join(folder, "ngx_nchan_module.so");
    if (await Deno.stat(path).catch(() => undefined)) return path;
  }
}

async function runs(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["-v"] }).output()).success;
  } catch {
    return false;
  }
}

/** Every message is kept for longer than a run takes, so that each is delivered to each stream. */
function configuration(module: string, port: number): string {
  return `load_module ${module};
daemon off;
${Deno.uid() === 0 ? "user root;" : ""}
worker_processes 1;
pid nginx.pid;
error_log stderr error;
events { worker_connections 16384; }
http {
  access_log off;
  keepalive_requests 100000000;
  nchan_shared_memory_size 256M;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /sse { nchan_subscriber eventsource; nchan_channel_id bench; nchan_subscriber_first_message newest; }
    location = /pub {
      nchan_publisher; nchan_channel_id bench;
      nchan_message_buffer_length 1000; nchan_message_timeout 5m;
    }
    location = /-/healthy { return 200 "healthy\\n"; }
  }
}
`;
}

async function answering(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/-/healthy`).catch(() => undefined);
    if (await answer?.text()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("nginx did not start");
}

/** The master only watches; its one child does the work. */
async function workerOf(master: number): Promise<number> {
  return Number((await Deno.readTextFile(`/proc/${master}/task/${master}/children`)).trim().split(" ")[0]);
}
