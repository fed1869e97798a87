/** nginx in front of several workers, as `docs/scaling.md` has it, without TLS. */
import { freePort, listening } from "./free_port.ts";
import { nginxConfiguration } from "./nginx_configuration.ts";
import { type Running, startProcess } from "./process.ts";

const SCALING = new URL("../../docs/scaling.md", import.meta.url);

export type Front = Running & { url: string };

/** A front that is not started yet: the workers behind it must know its address. */
export function planFront(folder: string): { url: string; start: (workers: string[]) => Promise<Front> } {
  const port = freePort(), url = `http://127.0.0.1:${port}`;

  async function start(workers: string[]): Promise<Front> {
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(`${folder}/nginx.conf`, print(readBlock(), folder, port, workers));
    const running = startProcess("nginx", { args: ["-p", folder, "-e", "stderr", "-c", `${folder}/nginx.conf`] });
    await listening(port, "nginx (apt-get install nginx-light)");
    return { ...running, url };
  }

  return { url, start };
}

/** The block of the document, with these workers and this port. */
function print(block: string, folder: string, port: number, workers: string[]): string {
  const servers = workers.map((url) => `    server ${new URL(url).host} max_fails=1 fail_timeout=1s;\n`).join("");
  const http = block
    .replace(/(?: +server \S+ max_fails.*\n)+/, servers)
    .replace(/ +(?:listen|server_name|ssl_\w+) .*\n/g, "")
    .replace("server {\n", `server {\n    listen 127.0.0.1:${port};\n`);
  return nginxConfiguration(folder, http, { connections: 16_384 });
}

function readBlock(): string {
  return /^```nginx\n([\s\S]*?)^```/m.exec(Deno.readTextFileSync(SCALING))![1]!;
}
