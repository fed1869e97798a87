import { createParser } from "eventsource-parser";
import fc from "fast-check";
import { createEventParser, readEvents, type StreamItem } from "../../src/client/event_stream.ts";
import { equal } from "../helpers/assert.ts";
import { failsAs } from "../helpers/receiver_error.ts";

const encoder = new TextEncoder();

/** The bytes come in pieces of these sizes, again and again. */
async function read(bytes: Uint8Array, sizes: number[]): Promise<StreamItem[]> {
  let at = 0, piece = 0;
  const next = () => {
    const value = new Uint8Array(bytes.subarray(at, at += sizes[piece++ % sizes.length]!));
    return Promise.resolve(value.byteLength === 0 ? { done: true } : { done: false, value });
  };
  return await Array.fromAsync(readEvents(next));
}

/** The same by a parser that is not ours, all at once. */
function readByLibrary(bytes: Uint8Array): StreamItem[] {
  const items: StreamItem[] = [];
  let last = "";
  const parser = createParser({
    onId: (id) => last = id,
    onRetry: (milliseconds) => items.push({ kind: "retry", milliseconds }),
    onEvent: ({ event, data }) => items.push({ kind: "event", type: event ?? "message", data, id: last }),
  });
  parser.feed(new TextDecoder().decode(bytes));
  return items;
}

const word = fc.constantFrom(
  "data",
  "id",
  "event",
  "retry",
  ":",
  ": ",
  " ",
  "a",
  "ä",
  "😀",
  "12",
  "\r",
  "\n",
  "\r\n",
  "\n\n",
  "{}",
);
const text = fc.array(word, { maxLength: 40 }).map((words) => words.join(""));
const line = fc.tuple(
  fc.constantFrom("data", "id", "event", "retry", "", "x"),
  fc.constantFrom(":", ": ", ""),
  fc.string(),
);
const lines = fc.array(line.map((parts) => parts.join("")), { maxLength: 12 }).chain((lines) =>
  fc.constantFrom("\n", "\r\n", "\r").map((end) => lines.map((line) => line + end).join("") + end)
);
const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });

Deno.test("client event stream: whatever it says and wherever it is cut, it is read as eventsource-parser reads it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(text, lines), sizes, async (text, sizes) => {
      const bytes = encoder.encode(text);
      equal(await read(bytes, sizes), readByLibrary(bytes));
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("client event stream: any bytes are read, and nothing is thrown", async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), sizes, async (bytes, sizes) => {
    await read(bytes, sizes);
  }));
});

Deno.test("client event stream: an event that is not whole when the stream ends is none", async () => {
  equal(await read(encoder.encode("id: 1\ndata: a\n\nid: 2\ndata: b\n"), [3]), [
    { kind: "event", type: "message", data: "a", id: "1" },
  ]);
});

Deno.test("client event stream: comments are nothing, and an id stays until there is another", async () => {
  const stream = "\ufeff:\n\nid: 1\ndata: a\n\n: b\n\nretry: 250\ndata: c\ndata: d\n\n";
  equal(await read(encoder.encode(stream), [1]), [
    { kind: "event", type: "message", data: "a", id: "1" },
    { kind: "retry", milliseconds: 250 },
    { kind: "event", type: "message", data: "c\nd", id: "1" },
  ]);
});

Deno.test("client event stream: what never ends is left before it fills the memory", async () => {
  for (const piece of ["x".repeat(65_536), `data: ${"x".repeat(65_536)}\n`]) {
    const { feed } = createEventParser();
    const feedOn = () => Array.from({ length: 100 }, () => feed(piece));
    await failsAs("malformed", new Promise((resolve) => resolve(feedOn())));
  }
});
