/** A server of HTTP/1.1 over TLS that answers each request with whatever bytes a test wants. */
import type { AddressInfo } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import { certificates } from "./certificates.ts";

/** Called once for each connection, when its first bytes have come. */
export async function serveBytes(act: (socket: TLSSocket) => void) {
  const { cert, key } = certificates;
  const sockets = new Set<TLSSocket>();
  let connections = 0;
  const server = createServer({ cert, key, ALPNProtocols: ["http/1.1"] }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    socket.once("data", () => (connections++, act(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    /** Connections that have asked for something, and those that are open. */
    asked: () => connections,
    open: () => sockets.size,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
