/** A client's way to a DAV server by all that stands before it: a front with TLS, a worker, Radicale. */
import { freePort } from "../../scripts/lib/free_port.ts";
import { certificates } from "./certificates.ts";
import { DAV_HOST, type Front, HOST } from "./front.ts";
import { keepPort } from "./keep_port.ts";
import { openPushService } from "./push_service.ts";
import { startRadicale } from "./radicale.ts";
import { testWorker } from "./worker.ts";

/** Radicale, a worker before it, and a front of the document's before both; `request` is alice's. */
export async function openBehind(front: Front, block: string) {
  const things = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir();
  things.defer(() => Deno.remove(folder, { recursive: true }));
  const radicale = things.use(await startRadicale());
  await radicale.as("alice").makeCalendar("/alice/work/");
  const service = things.use(await openPushService());
  const port = freePort(), dav = `https://${DAV_HOST}:${port}`, url = `https://${HOST}:${port}`;
  const env = {
    CARILLON_UPSTREAM: radicale.url,
    CARILLON_DAV_URL: dav,
    CARILLON_URL: url,
    CARILLON_PUSH_HOSTS: `127.0.0.1:${service.port}`,
    CARILLON_ADMIN_TOKEN: ADMIN,
  };
  const { serve, port: behind } = keepPort();
  const worker = things.use(await testWorker({ env, ca: service.ca, serve }));
  things.use(await front.start(block, { port, worker: behind(), folder }));
  const client = things.use(Deno.createHttpClient({ caCerts: [certificates.ca] }));
  const authorization = `Basic ${btoa("alice:alice")}`;
  async function request(method: string, path: string, body?: string, more: Record<string, string> = {}) {
    const headers = { authorization, ...more };
    const response = await fetch(new URL(path, dav), { client, method, body, headers, redirect: "manual" });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }
  const ca = `${folder}/ca.pem`, end = () => things.disposeAsync();
  return { service, worker, request, dav, url, ca, [Symbol.asyncDispose]: end };
}

export type Behind = Awaited<ReturnType<typeof openBehind>>;

export const ADMIN = "admin-token-of-the-tests";
