/** Reading a request's body: its type, its size before it is read, its encoding. */
import type { Context } from "hono";
import { cutOff } from "../dav/read_body.ts";
import { CarillonError } from "../errors.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Throws `wrong_type` when the request's media type is another. */
export function checkType(c: Context, type: string): void {
  const given = c.req.header("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (given !== type) throw new CarillonError("wrong_type", `the body was refused: expected Content-Type ${type}`);
}

/** Reads a body of text. Throws `too_large` (at once where the length is told), or `bad_request` for invalid UTF-8. */
export async function readText(c: Context, limit: number): Promise<string> {
  const bytes = await readBytes(c, limit);
  try {
    return decoder.decode(bytes);
  } catch {
    throw new CarillonError("bad_request", "the body was not decoded: it is not UTF-8");
  }
}

/** Reads a body as it is. Throws `too_large`, at once where the length is told, or `bad_request` when the client has gone. */
export async function readBytes(c: Context, limit: number): Promise<Uint8Array> {
  const told = c.req.header("content-length");
  checkBytes(Number(told ?? 0), limit);
  try {
    return told !== undefined ? new Uint8Array(await c.req.arrayBuffer()) : await readStream(c.req.raw.body, limit);
  } catch (thrown) {
    throw thrown instanceof CarillonError ? thrown : cutOff();
  }
}

/** Throws `too_large` where the length that is told is more. */
export function checkBytes(told: number, limit: number): void {
  if (told > limit) throw tooLarge(limit);
}

/** Reads a body that must be a JSON object. Throws `too_large` or `bad_request`. */
export async function readJson(c: Context, limit: number): Promise<Record<string, unknown>> {
  const value = parseJson(await readText(c, limit));
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new CarillonError("bad_request", "the body was not understood: it is no JSON object");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CarillonError("bad_request", "the body was not parsed: it is not JSON");
  }
}

async function readStream(body: ReadableStream<Uint8Array> | null, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

/** The rest of the body is not read: the connection cannot be used again. */
export function tooLarge(limit: number): CarillonError {
  return new CarillonError("too_large", `the body is too large: at most ${limit} bytes`, { connection: "close" });
}
