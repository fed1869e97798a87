/** The platform's own server: what Deno Deploy demands. A stream is a `ReadableStream` around its controller. */
import type { OpenStream, Sink } from "../broker/sink.ts";
import type { StreamEnv } from "../doors/stream.ts";
import type { Handler, Handlers, Listening } from "./node_http.ts";

const HIGH_WATER_MARK = 64 * 1024;

/** Listens; `start` is given the port that was got and answers the handlers, of which the raw one cannot be served. */
export function serveDeno(hostname: string, port: number, start: (port: number) => Handlers): Promise<Listening> {
  const server = Deno.serve({ hostname, port, onListen: () => {} }, (request) => handle(handler, request));
  const { handle: handler } = start(server.addr.port);
  return Promise.resolve({ port: server.addr.port, close: () => server.shutdown(), abort: () => {} });
}

async function handle(handler: Handler, request: Request): Promise<Response> {
  const env: StreamEnv = {};
  const response = await handler(request, env);
  return env.open ? new Response(bodyOf(env.open), response) : response;
}

function bodyOf(open: OpenStream): ReadableStream<Uint8Array> {
  let gone: (() => void) | undefined;
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => void (gone = open(controllerSink(controller))),
    cancel: () => gone?.(),
  }, new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER_MARK }));
}

function controllerSink(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): Sink {
  return {
    write: (chunk) => guard(() => controller.enqueue(chunk)),
    end: () => guard(() => controller.close()),
    destroy: () => guard(() => controller.error(new Error("the reader was too slow"))),
    get queued() {
      return HIGH_WATER_MARK - (controller.desiredSize ?? 0);
    },
  };
}

/** On a stream that the client has just closed every call throws; its `cancel` has told us, or will. */
function guard(call: () => void): void {
  try {
    call();
  } catch {
    // Nothing is lost: the client resumes by its last event id.
  }
}
