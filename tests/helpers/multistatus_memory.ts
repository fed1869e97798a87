/** Sends a multistatus of 50 MB through the proxy, rewritten, and prints what came of it and how far memory grew. */
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdapt } from "../../src/dav/advertise.ts";
import { openWebPush } from "./web_push.ts";
import { createProxy } from "../../src/dav/proxy.ts";
import { createUpstream } from "../../src/dav/upstream.ts";

const PUSH = "https://bitfire.at/webdav-push";
const MEMBERS = 110_000;

const before = Deno.memoryUsage().rss;
let most = 0;

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

const member = (n: number) =>
  `<response><href>/alice/${n}/</href><propstat><prop><resourcetype><collection/><C:calendar/></resourcetype>` +
  `<displayname>${"x".repeat(150)}</displayname>` +
  `</prop><status>HTTP/1.1 200 OK</status></propstat><propstat><prop><topic xmlns="${PUSH}"/></prop>` +
  `<status>HTTP/1.1 404 Not Found</status></propstat></response>\n`;

const upstream = createServer(async (incoming, outgoing) => {
  incoming.resume();
  outgoing.writeHead(207, { "content-type": "application/xml" });
  outgoing.write(`<multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">`);
  for (let n = 0; n < MEMBERS; n++) {
    if (!outgoing.write(member(n))) await new Promise<void>((resolve) => outgoing.once("drain", resolve));
    if (n % 1_000 === 0) most = Math.max(most, Deno.memoryUsage().rss - before);
  }
  outgoing.end("</multistatus>");
});

const { offer } = await openWebPush();
const proxy = createProxy({
  upstream: createUpstream(new URL(`http://127.0.0.1:${await listen(upstream)}`)),
  publicUrl: new URL("https://dav.example"),
  refuse: () => {},
  adapt: createAdapt({
    origin: "https://dav.example",
    offers: [offer],
    findCaller: () => Promise.resolve({ principal: "/alice/", homes: new Set() }),
    names: { hash: (_, topic) => topic, seal: (_, topic) => topic },
  }),
});
const port = await listen(createServer((incoming, outgoing) => proxy.handle(incoming, outgoing, false)));

const body = `<propfind xmlns="DAV:"><prop><displayname/><topic xmlns="${PUSH}"/></prop></propfind>`;
const asked = request({ host: "127.0.0.1", port, method: "PROPFIND", path: "/alice/" });
asked.setHeader("content-length", body.length);
asked.end(body);
asked.once("response", async (response) => {
  let topics = 0, hidden = 0, bytes = 0, tail = "";
  response.setEncoding("utf8");
  for await (const chunk of response as AsyncIterable<string>) {
    const text = tail + chunk, whole = text.lastIndexOf("</response>") + 1;
    topics += text.slice(0, whole).split("<P:topic ").length - 1;
    hidden += text.slice(0, whole).split("resourcetype").length - 1;
    bytes += chunk.length;
    tail = text.slice(whole);
  }
  console.log(JSON.stringify({ topics, hidden, bytes, most }));
  Deno.exit(0);
});
