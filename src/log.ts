/** Structured logs on standard error: for people on a terminal, JSON lines elsewhere. */
import {
  ansiColorFormatter,
  configure,
  getLogger,
  getStreamSink,
  jsonLinesFormatter,
  type Logger,
} from "@logtape/logtape";
import type { Config } from "./config.ts";

/** Configures the logs of this process. */
export async function openLog(level: Config["log"], isTerminal: boolean): Promise<Logger> {
  const formatter = isTerminal ? ansiColorFormatter : jsonLinesFormatter;
  await configure({
    sinks: { stderr: getStreamSink(nonClosing(Deno.stderr.writable), { formatter }) },
    loggers: [
      { category: "carillon", lowestLevel: level, sinks: ["stderr"] },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["stderr"] },
    ],
    reset: true,
  });
  return getLogger("carillon");
}

/** The sink closes its stream when it is disposed of; the process still needs it. */
function nonClosing(stream: WritableStream<Uint8Array>): WritableStream<Uint8Array> {
  const writer = stream.getWriter();
  return new WritableStream({ write: (chunk) => writer.write(chunk) });
}
