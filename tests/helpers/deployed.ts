/** A worker behind a front with TLS, by the files of docs/examples/deploy. */
import { type Certificates, makeCertificates } from "../../scripts/lib/certificates.ts";
import { freePort } from "../../scripts/lib/free_port.ts";
import { type Front, HOST, nginx } from "./front.ts";
import { keepPort } from "./keep_port.ts";
import { testWorker } from "./worker.ts";

/** Valid for as long as a real one. */
export const lasting = await makeCertificates(["localhost"], ["127.0.0.1"], 90);

const FILES: Record<string, string> = { nginx: "nginx.conf", Caddy: "Caddyfile" };

type Options = Omit<NonNullable<Parameters<typeof testWorker>[0]>, "serve"> & {
  front?: Front;
  /** Changes the front's file. */
  edit?: (file: string) => string;
  shown?: Certificates;
};

/** `worker` knows itself by the front's address; `folder` has what the front writes, and `ca.pem`. */
export async function openDeployed(
  { front = nginx, edit = (file) => file, shown = lasting, ...options }: Options = {},
) {
  const things = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "carillon-" });
  things.defer(() => Deno.remove(folder, { recursive: true }));
  const port = freePort(), url = `https://${HOST}:${port}`;
  const { serve, port: behind } = keepPort();
  const worker = things.use(await testWorker({ ...options, env: { CARILLON_URL: url, ...options.env }, serve }));
  const file = await Deno.readTextFile(`docs/examples/deploy/${FILES[front.name]}`);
  const running = things.use(
    await front.start(edit(file).replaceAll("/var/log/nginx", folder), { port, worker: behind(), folder, shown }),
  );
  return { url, worker, folder, running, ca: shown.ca, [Symbol.asyncDispose]: () => things.disposeAsync() };
}
