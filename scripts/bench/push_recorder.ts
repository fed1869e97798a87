/** A push service that takes everything and remembers when each message came: HTTP/2 and TLS, in this process. */
import { createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { makeCertificates } from "../lib/certificates.ts";
import { freshFolder } from "./paths.ts";

export type PushRecorder = {
  port: number;
  /** The settings of a worker that is to reach it. */
  env: Record<string, string>;
  /** What is called with the path of each message, the moment that it has come. */
  heard: (path: string) => void;
} & AsyncDisposable;

export async function startPushRecorder(): Promise<PushRecorder> {
  const folder = await freshFolder("recorder");
  const { ca, cert, key } = await makeCertificates([], ["127.0.0.1"]);
  const server = createSecureServer({ cert, key, settings: { maxConcurrentStreams: 200 } });
  server.on("sessionError", () => {});
  server.on("stream", (stream, headers) => {
    recorder.heard(headers[":path"] as string);
    stream.on("error", () => {});
    stream.resume();
    stream.respond({ ":status": 201 }, { endStream: true });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await Deno.writeTextFile(`${folder}/ca.pem`, ca);
  const { port } = server.address() as AddressInfo;
  const recorder: PushRecorder = {
    port,
    env: { CARILLON_PUSH_HOSTS: `127.0.0.1:${port}`, NODE_EXTRA_CA_CERTS: `${folder}/ca.pem` },
    heard: () => {},
    [Symbol.asyncDispose]: async () => {
      server.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
  return recorder;
}
