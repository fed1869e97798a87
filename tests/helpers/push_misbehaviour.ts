/** What push services and what stands before them do wrong. */
import type { ServerResponse } from "node:http";
import { constants, type Http2ServerResponse } from "node:http2";
import type { Socket } from "node:net";

/**
 * An answer with another status; or `never`: no answer; `endless`: 200, and a body without an end; `half`: 201, and a
 * body that stops; `reset` and `refuse`: the stream is reset, after or before it was looked at; `goaway`: 201, and the
 * connection is to be left; `destroy`: the connection breaks; `garbage`: bytes that are no HTTP.
 */
export type Behaviour =
  | { status: number; headers?: Record<string, string>; body?: string }
  | "never"
  | "endless"
  | "half"
  | "reset"
  | "refuse"
  | "goaway"
  | "destroy"
  | "garbage";

export type Response = ServerResponse | Http2ServerResponse;

/** Over HTTP/1.1 a stream is its connection, `socket`. */
export function misbehave(behaviour: Behaviour, response: Response, socket: Socket): void {
  const stream = "stream" in response ? response.stream : undefined;
  switch (behaviour) {
    case "never":
      return;
    case "endless":
      response.writeHead(200);
      return writeForEver(response);
    case "half":
      response.writeHead(201, { "content-length": "100" });
      return void (response as ServerResponse).write("half of it");
    case "reset":
      return stream ? stream.close(constants.NGHTTP2_INTERNAL_ERROR) : void socket.destroy();
    case "refuse":
      return stream ? stream.close(constants.NGHTTP2_REFUSED_STREAM) : void socket.destroy();
    case "goaway":
      response.writeHead(201);
      response.end();
      return stream?.session?.goaway();
    case "destroy":
      return void socket.destroy();
    case "garbage":
      return void socket.write("SSH-2.0-OpenSSH_9.9 \0\xff\r\n".repeat(100));
    default:
      response.writeHead(behaviour.status, behaviour.headers);
      response.end(behaviour.body ?? "");
  }
}

function writeForEver(response: Response): void {
  const timer = setInterval(() => (response as ServerResponse).write(new Uint8Array(4096)), 1);
  response.once("close", () => clearInterval(timer));
}
