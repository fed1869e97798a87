/** Server-Sent Events (WHATWG HTML 9.2) as the Mercure protocol uses them. */
import type { Change } from "../model/change.ts";
import { printMessage } from "./push_message.ts";

const LINE_END = /\r\n|\r|\n/;

/** What a stream begins with when the reader's place in the journal is not known any more. No standard names it. */
export const LOST = "event: lost\ndata: earliest\n\n";

/** Prints one event. A push message is shown as its JSON, an update of a Mercure publisher as it was published. */
export function printEvent(id: string, change: Change): string {
  const data = change.content || change.property ? printMessage(change) : change.data ?? "";
  const type = change.type === undefined ? "" : `event: ${change.type}\n`;
  const retry = change.retry === undefined ? "" : `retry: ${change.retry}\n`;
  return `${type}${retry}id: ${id}\n${printData(data)}\n`;
}

/** One `data:` line for each line of the text: CR, LF and CRLF all end a line. */
function printData(data: string): string {
  if (!data.includes("\n") && !data.includes("\r")) return `data: ${data}\n`;
  return data.split(LINE_END).map((line) => `data: ${line}\n`).join("");
}

/** A keep-alive that dispatches nothing and moves the client's last event id (WHATWG HTML 9.2.6, empty data). */
export function printKeepAlive(id: string): string {
  return `id: ${id}\n\n`;
}

/** Tells the client how many milliseconds to wait before it connects again. */
export function printRetry(milliseconds: number): string {
  return `retry: ${Math.round(milliseconds)}\n\n`;
}
