/** A proxy of `node:http` that knows nothing: it pipes. Prints its port. Run by bare_proxy.ts, with the upstream's port. */
import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

const port = Number(Deno.args[0]), agent = new Agent({ keepAlive: true, maxFreeSockets: 32 });

const server = createServer((incoming, outgoing) => {
  const { method, url: path, headers } = incoming;
  const sent = request({ hostname: "127.0.0.1", port, method, path, headers, agent }, (response) => {
    outgoing.writeHead(response.statusCode!, response.headers);
    response.pipe(outgoing);
  });
  incoming.pipe(sent);
});

server.listen(0, "127.0.0.1", () => console.log(`listens on ${(server.address() as AddressInfo).port}`));
