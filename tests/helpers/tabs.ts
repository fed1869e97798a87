/** An app that watches a calendar in real pages; its origin is the DAV server and the hub as well, and counts what it is asked. */
import type { BrowserContext, Page } from "playwright-core";
import { createWaiting } from "../../scripts/lib/waiting.ts";
import { multistatus, printCollection } from "./dav_stub.ts";

const PAGE = `<!DOCTYPE html><meta charset="utf-8"><title>A page that watches</title><script type="module">
import { eventStream, watchInTabs } from "/client.js";
globalThis.heard = [];
globalThis.states = [];
/** How much faster time goes by. */
const speed = Number(new URLSearchParams(location.search).get("speed") ?? 1);
const wait = (milliseconds, signal) => new Promise((resolve) => {
  if (signal?.aborted) return resolve();
  const timer = setTimeout(resolve, milliseconds / speed);
  signal?.addEventListener("abort", () => (clearTimeout(timer), resolve()));
});
globalThis.watching = watchInTabs({
  url: location.origin + "/alice/work/",
  transports: [eventStream({ hub: location.origin + "/hub", token: "token" })],
  clock: { now: Date.now, elapsed: () => performance.now() * speed, wait },
  changed: (_, syncToken) => void heard.push(syncToken),
  state: (state) => void states.push(state),
});
</script>`;

/** The library as a page loads it. */
export async function bundleClient(): Promise<string> {
  const args = ["bundle", "--quiet", "--platform", "browser", "src/client/mod.ts"];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  if (success) return new TextDecoder().decode(stdout);
  throw new Error(new TextDecoder().decode(stderr));
}

/** Serves it; `await using` stops it. */
export async function serveTabs() {
  const script = await bundleClient(), streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  const counts = { looks: 0, streams: 0 },
    waiting = createWaiting(() => JSON.stringify({ ...counts, open: streams.size }));
  let token = 1;

  function handle(request: Request): Response {
    const { pathname } = new URL(request.url), type = (type: string) => ({ headers: { "content-type": type } });
    if (pathname === "/client.js") return new Response(script, type("text/javascript"));
    if (pathname === "/hub") return new Response(openStream(), type("text/event-stream"));
    if (pathname === "/") return new Response(PAGE, type("text/html"));
    if (request.method !== "PROPFIND") return new Response(null, { status: 404 });
    counts.looks++;
    return multistatus(printCollection({ token: `${token}` }));
  }

  function openStream(): ReadableStream<Uint8Array> {
    let own: ReadableStreamDefaultController<Uint8Array>;
    return new ReadableStream({
      start(controller) {
        counts.streams++;
        streams.add(own = controller);
        waiting.notify();
      },
      cancel() {
        streams.delete(own);
        waiting.notify();
      },
    });
  }

  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handle);
  const origin = `http://localhost:${server.addr.port}`;

  async function open(context: BrowserContext, { speed = 1 } = {}): Promise<Page> {
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    await page.goto(`${origin}/?speed=${speed}`);
    return page;
  }

  const say = (text: string) => streams.forEach((stream) => stream.enqueue(new TextEncoder().encode(text)));

  /** Somebody writes, and the hub says so. */
  function change(): void {
    const data = JSON.stringify({ topic: `${origin}/alice/work/`, "sync-token": `${++token}` });
    say(`data: ${data}\n\n`);
  }

  // A page whose time goes by faster takes a silent stream for a dead one sooner.
  const alive = setInterval(() => say(":\n\n"), 100);

  return {
    open,
    change,
    counts,
    isOpen: () => streams.size,
    until: waiting.until,
    [Symbol.asyncDispose]: async () => {
      clearInterval(alive);
      for (const stream of streams) stream.close();
      await server.shutdown();
    },
  };
}
