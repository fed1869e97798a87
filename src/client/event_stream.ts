/** Reads an event stream (WHATWG HTML 9.2). */
import { ReceiverError } from "./receiver_error.ts";

/** `id` is the last event id as it stands then, `milliseconds` what a `retry:` asks for. */
export type StreamItem =
  | { kind: "event"; type: string; data: string; id: string }
  | { kind: "retry"; milliseconds: number };

/** Characters of one event: a message is 4,096 bytes in base64url and some fields. */
const MAX_EVENT = 1024 * 1024;

const LINE_END = /\r\n|\r|\n/;

/** `feed` takes text that is cut anywhere, and answers what is whole then. It throws `malformed` for an endless event. */
export function createEventParser(): { feed: (text: string) => StreamItem[] } {
  const items: StreamItem[] = [];
  let rest = "", wasReturn = false, type = "", data: string[] = [], id = "", size = 0;

  function feed(text: string): StreamItem[] {
    // A line may end with CRLF, between which the text was cut.
    const more = wasReturn && text.startsWith("\n") ? text.slice(1) : text;
    wasReturn = text === "" ? wasReturn : text.endsWith("\r");
    rest += more;
    if (/[\r\n]/.test(more)) takeLines();
    if (rest.length + size > MAX_EVENT) {
      throw new ReceiverError("malformed", "the stream was left: an event has no end");
    }
    return items.splice(0);
  }

  function takeLines(): void {
    const lines = rest.split(LINE_END);
    rest = lines.pop()!;
    for (const line of lines) line === "" ? dispatch() : takeField(line);
  }

  function takeField(line: string): void {
    const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
    if (name === "data") data.push(value), size += value.length + 1;
    else if (name === "event") type = value;
    else if (name === "id" && !value.includes("\0")) id = value;
    else if (name === "retry" && /^\d+$/.test(value)) items.push({ kind: "retry", milliseconds: Number(value) });
  }

  function dispatch(): void {
    if (data.length > 0) items.push({ kind: "event", type: type || "message", data: data.join("\n"), id });
    [type, data, size] = ["", [], 0];
  }

  return { feed };
}

/** Reads bytes until there are none; what is half then is no event. `read` is that of a stream's reader. */
export async function* readEvents(
  read: () => Promise<{ done: boolean; value?: Uint8Array<ArrayBuffer> }>,
): AsyncGenerator<StreamItem> {
  const decoder = new TextDecoder(), parser = createEventParser();
  for (let { done, value } = await read(); !done; { done, value } = await read()) {
    yield* parser.feed(decoder.decode(value, { stream: true }));
  }
}
