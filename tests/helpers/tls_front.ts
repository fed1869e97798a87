/** TLS in front of a worker of the test: what senders want of a push service's address. Nothing of HTTP is touched. */
import { type AddressInfo, connect, type Socket } from "node:net";
import { createServer } from "node:tls";
import { certificates } from "./certificates.ts";

/** Listens on a free port at once, since a worker must know its address; `to` says where the worker is then. */
export async function openTlsFront() {
  const { cert, key } = certificates, sockets = new Set<Socket>();
  let port = 0;
  const server = createServer({ cert, key, ALPNProtocols: ["http/1.1"] }, (outer) => {
    const inner = connect(port, "127.0.0.1");
    for (const [one, other] of [[outer, inner], [inner, outer]] as [Socket, Socket][]) {
      sockets.add(one);
      one.on("error", () => {}).on("close", () => (sockets.delete(one), other.destroy()));
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const own = (server.address() as AddressInfo).port;
  return {
    url: `https://127.0.0.1:${own}`,
    host: `127.0.0.1:${own}`,
    to: (worker: number) => void (port = worker),
    /** Breaks every connection. */
    cut: () => sockets.forEach((socket) => socket.destroy()),
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
