/** Sending a body on through a rewriter. What is no UTF-8 goes on as it is, from there on. */
import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Rewriter } from "./multistatus.ts";

const encoder = new TextEncoder();

/** `done` is told whether all of it could be read. */
export function rewriteBody(
  response: IncomingMessage,
  outgoing: ServerResponse,
  rewriter: Rewriter,
  done: (isWhole: boolean) => void,
): void {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let tail: Uint8Array = new Uint8Array(), isRaw = false;

  function take(chunk: Uint8Array): Uint8Array {
    if (isRaw) return chunk;
    const bytes = Buffer.concat([tail, chunk]), end = wholeLength(bytes);
    const text = decode(bytes.subarray(0, end));
    tail = text === undefined ? new Uint8Array() : bytes.subarray(end);
    if (text !== undefined) return encoder.encode(rewriter.write(text));
    isRaw = true;
    return Buffer.concat([encoder.encode(rewriter.end()), bytes]);
  }

  /** Undefined for what is no UTF-8. */
  function decode(bytes: Uint8Array): string | undefined {
    try {
      return decoder.decode(bytes);
    } catch {
      return undefined;
    }
  }

  response.on("data", (chunk: Uint8Array) => {
    const bytes = take(chunk);
    if (bytes.byteLength > 0 && !outgoing.write(bytes)) response.pause();
  });
  outgoing.on("drain", () => response.resume());
  response.once("end", () => {
    outgoing.end(Buffer.concat([encoder.encode(isRaw ? "" : rewriter.end()), tail]));
    done(!isRaw && !rewriter.hasFailed() && tail.byteLength === 0);
  });
}

/** Bytes up to the last character that is all there. */
function wholeLength(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.byteLength); back++) {
    const byte = bytes[bytes.byteLength - back]!;
    if (byte < 0x80) break;
    // The first byte of a character says how many it has.
    if (byte >= 0xc0) {
      return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? bytes.byteLength - back : bytes.byteLength;
    }
  }
  return bytes.byteLength;
}
