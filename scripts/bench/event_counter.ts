/** Counts the events of a stream as they are dispatched, without decoding them: a bench must not wait for its own reader. */

const LINE_FEED = 10;
const D = "d".charCodeAt(0);

/** So much of a stream's end is kept; it holds the newest event's id. */
const TAIL = 4 * 1024;

const decoder = new TextDecoder();

export type EventCounter = ReturnType<typeof createEventCounter>;

export function createEventCounter() {
  let events = 0, isLineStart = true, hasData = false;
  let tail = new Uint8Array(0);

  /** Takes the next bytes. An event counts when its empty line has come; what carries no data is no event. */
  function take(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length;) {
      if (isLineStart) startLine(bytes[i]!);
      const end = bytes.indexOf(LINE_FEED, i);
      isLineStart = end >= 0;
      i = end < 0 ? bytes.length : end + 1;
    }
    tail = keepTail(tail, bytes);
  }

  function startLine(first: number): void {
    if (first === D) hasData = true;
    else if (first === LINE_FEED) {
      if (hasData) events++;
      hasData = false;
    }
  }

  return {
    take,
    /** Forgets the event that a broken connection left half. */
    reset(): void {
      [isLineStart, hasData, tail] = [true, false, tail.slice(0, endOfWhole(tail))];
    },
    get events(): number {
      return events;
    },
    /** The id to resume after: of the last whole block, as an EventSource keeps it. */
    get lastId(): string | undefined {
      return decoder.decode(tail.subarray(0, endOfWhole(tail))).match(/(?<=^id: ).*$/gm)?.at(-1);
    },
  };
}

function keepTail(tail: Uint8Array<ArrayBuffer>, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.length >= TAIL) return bytes.slice(-TAIL);
  const joined = new Uint8Array(tail.length + bytes.length);
  joined.set(tail);
  joined.set(bytes, tail.length);
  return joined.slice(-TAIL);
}

/** Just behind the last empty line. */
function endOfWhole(bytes: Uint8Array): number {
  for (let i = bytes.length - 1; i > 0; i--) if (bytes[i] === LINE_FEED && bytes[i - 1] === LINE_FEED) return i + 1;
  return 0;
}
