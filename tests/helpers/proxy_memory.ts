/** Sends a gigabyte `up` or `down` through the proxy, and prints how many bytes arrived and how far memory grew. */
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { createProxy } from "../../src/dav/proxy.ts";
import { createUpstream } from "../../src/dav/upstream.ts";

const SIZE = 1024 * 1024 * 1024;
const BLOCK = new Uint8Array(256 * 1024);

type Server = ReturnType<typeof createServer>;
type Writer = { write: (chunk: Uint8Array) => boolean; once: (event: "drain", heard: () => void) => unknown };

const direction = Deno.args[0];
const before = Deno.memoryUsage().rss;
let most = 0;

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

async function writeAll(writer: Writer): Promise<void> {
  for (let sent = 0; sent < SIZE; sent += BLOCK.byteLength) {
    if (!writer.write(BLOCK)) await new Promise<void>((resolve) => writer.once("drain", resolve));
    most = Math.max(most, Deno.memoryUsage().rss - before);
  }
}

async function count(body: AsyncIterable<Uint8Array>): Promise<number> {
  let got = 0;
  for await (const chunk of body) got += chunk.byteLength;
  return got;
}

const upstream = createServer(async (incoming, outgoing) => {
  const got = await count(incoming);
  outgoing.writeHead(200, { "x-got": got, ...(direction === "down" && { "content-length": SIZE }) });
  if (direction === "down") await writeAll(outgoing);
  outgoing.end();
});
const url = new URL(`http://127.0.0.1:${await listen(upstream)}`);
const proxy = createProxy({
  upstream: createUpstream(url),
  publicUrl: new URL("https://dav.example"),
  refuse: () => {},
});
const port = await listen(createServer((incoming, outgoing) => proxy.handle(incoming, outgoing, false)));

const length = direction === "up" ? SIZE : 0;
const asked = request({ host: "127.0.0.1", port, method: "PUT", path: "/", headers: { "content-length": length } });
const got = new Promise<number>((resolve) =>
  asked.once(
    "response",
    (response) => void count(response).then((down) => resolve(down + Number(response.headers["x-got"]))),
  )
);
if (direction === "up") await writeAll(asked);
asked.end();
console.log(JSON.stringify({ got: await got, most }));
Deno.exit(0);
