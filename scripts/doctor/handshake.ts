/** One TLS handshake, and what the server showed. A bad certificate is looked at as well. */
import { connect, type TLSSocket } from "node:tls";
import type { Deployment } from "./deployment.ts";

/** `fault` is the code of what is wrong with the chain; `alpn` the protocol that was chosen of h2 and http/1.1. */
export type Handshake = { protocol: string; alpn: string; until: number; fault: string | undefined };

/** Milliseconds. */
const TIMEOUT = 5_000;

/** Throws what the connection failed with. */
export async function shakeHands({ host, port, ca }: Deployment): Promise<Handshake> {
  const name = /^[\d.]+$|:/.test(host) ? {} : { servername: host };
  const socket = connect({ host, port, ca, ...name, ALPNProtocols: ["h2", "http/1.1"], rejectUnauthorized: false });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", resolve).once("error", reject);
      socket.setTimeout(TIMEOUT, () => reject(new Error("no answer")));
    });
    return read(socket);
  } finally {
    socket.on("error", () => {}).destroy();
  }
}

function read(socket: TLSSocket): Handshake {
  const error = socket.authorizationError as unknown as { code?: string } | string | null;
  return {
    protocol: socket.getProtocol() ?? "TLS",
    alpn: socket.alpnProtocol || "http/1.1",
    until: Date.parse(socket.getPeerCertificate().valid_to),
    fault: socket.authorized ? undefined : `${typeof error === "object" ? error?.code : error}`,
  };
}
