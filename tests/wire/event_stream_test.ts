import { createParser, type EventSourceMessage } from "eventsource-parser";
import fc from "fast-check";
import type { Change } from "../../src/model/change.ts";
import { LOST, printEvent, printKeepAlive, printRetry } from "../../src/wire/event_stream.ts";
import { printMessage } from "../../src/wire/push_message.ts";
import { equal } from "../helpers/assert.ts";
import { change, text, visible } from "../helpers/arbitraries.ts";

/** Read as a browser would, by a parser that is not ours: the bytes arrive in pieces of `size` characters. */
function read(stream: string, size = stream.length || 1): { events: EventSourceMessage[]; retry: number[] } {
  const events: EventSourceMessage[] = [], retry: number[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event), onRetry: (ms) => retry.push(ms) });
  const decoded = new TextDecoder().decode(new TextEncoder().encode(stream));
  for (let at = 0; at < decoded.length; at += size) parser.feed(decoded.slice(at, at + size));
  return { events, retry };
}

/** WHATWG HTML 9.2.6: every line end becomes one LF; a lone surrogate does not survive UTF-8. */
const received = (data: string) => data.replace(/\r\n|\r/g, "\n").toWellFormed();

const update: fc.Arbitrary<Change> = fc.record({
  topics: fc.constant<string[]>(["a"]),
  private: fc.boolean(),
  priority: fc.constant(50),
  timestamp: fc.nat(),
  type: visible,
  retry: fc.nat(999_999_999),
  data: text,
}, { requiredKeys: ["topics", "private", "priority", "timestamp"] });

Deno.test("event stream: an update is read back whole, whatever its data, in pieces of any size", () => {
  fc.assert(fc.property(update, visible, fc.integer({ min: 1, max: 40 }), (change, id, size) => {
    const { events, retry } = read(printEvent(id, change), size);
    equal(events, [{ id, event: change.type, data: received(change.data ?? "") }]);
    equal(retry, change.retry === undefined ? [] : [change.retry]);
  }));
});

Deno.test("event stream: CR, LF and CRLF each end a data line, and nothing else does", () => {
  const printed = printEvent("1", {
    topics: ["a"],
    private: false,
    priority: 50,
    timestamp: 0,
    data: "a\rb\nc\r\nd\u2028e\u0085f",
  });
  equal(printed, "id: 1\ndata: a\ndata: b\ndata: c\ndata: d\u2028e\u0085f\n\n");
});

Deno.test("event stream: data cannot forge an event, an id or a type", () => {
  const data = "x\n\nevent: lost\rid: forged\r\n\r\ndata: y";
  const { events } = read(printEvent("7", { topics: ["a"], private: false, priority: 50, timestamp: 0, data }));
  equal(events, [{ id: "7", event: undefined, data: received(data) }]);
});

Deno.test("event stream: a push message is one line of JSON that says what the change says", () => {
  fc.assert(fc.property(change.filter((c) => Boolean(c.content ?? c.property)), visible, (change, id) => {
    const { events } = read(printEvent(id, change));
    equal(events.map(({ data }) => data), [printMessage(change)]);
    equal(JSON.parse(events[0]!.data).data, change.data);
  }));
});

Deno.test("event stream: events, keep-alives and retries in one chunk are told apart", () => {
  fc.assert(fc.property(fc.array(update, { maxLength: 5 }), (changes) => {
    const printed = changes.map((change, index) => printEvent(`${index}`, change) + printKeepAlive("head")).join("");
    equal(
      read(printed + printRetry(1500.4)).events.map(({ id, data }) => [id, data]),
      changes.map(({ data }, index) => [`${index}`, received(data ?? "")]),
    );
    equal(read(printRetry(1500.4)).retry, [1500]);
  }));
});

Deno.test("event stream: a keep-alive dispatches nothing, and lost is an event of its own", () => {
  equal(read(printKeepAlive("e.0.1")), { events: [], retry: [] });
  equal(read(LOST).events, [{ id: undefined, event: "lost", data: "earliest" }]);
});
