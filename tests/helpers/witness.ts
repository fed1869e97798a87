/** Watches everything that leaves a worker, and knows what must not: answers, log lines, metrics. */
import { configureSync, type LogRecord, resetSync } from "@logtape/logtape";
import { ok } from "./assert.ts";

/** Shorter pieces would be found by chance. */
const MIN_LENGTH = 12;

/** Keeps the log of this process until it is disposed of. `keep` names a secret; `testify` fails where one was seen. */
export function witness() {
  const records: LogRecord[] = [];
  const said: string[] = [];
  const secrets = new Set<string>();
  configureSync({
    sinks: { kept: (record) => void records.push(record) },
    loggers: [
      { category: "carillon", lowestLevel: "debug", sinks: ["kept"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: [] },
    ],
    reset: true,
  });

  /** A token is a secret as a whole and in its parts, but for the header that everyone has. */
  function keep<T extends string>(secret: T): T {
    const [, ...parts] = secret.split(".");
    for (const part of [secret, ...parts]) if (part.length >= MIN_LENGTH) secrets.add(part);
    return secret;
  }

  function testify(): void {
    const seen = [...said, ...records.map(textOf)];
    for (const secret of secrets) {
      const leak = seen.find((text) => text.includes(secret));
      ok(leak === undefined, `a secret was said: ${leak}`);
    }
  }

  return { keep, hear: (text: string) => void said.push(text), testify, records, [Symbol.dispose]: resetSync };
}

function textOf({ message, properties, rawMessage }: LogRecord): string {
  return JSON.stringify([message, properties, rawMessage]).replaceAll('\\"', '"');
}
