/** Header fields as they came: names in the sender's case, several lines of one name apart, bytes as Latin-1. */

/** A name, and what each of its lines says. */
export type Field = [name: string, values: string[]];

/** RFC 9110 7.6.1: they speak of one connection alone. `Alt-Svc` (RFC 7838) would lead a client past us. */
const HOP_BY_HOP = [
  "alt-svc",
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** What no sender may take away from a message by naming it there: without its length a body is another request. */
const END_TO_END = new Set(["content-length", "host", "content-type", "content-encoding", "authorization", "cookie"]);

/** What of a message goes on to the next connection. `raw` are names and values in turn. */
export function endToEnd(raw: string[]): Field[] {
  const fields = group(raw);
  const named = valuesOf(fields, "connection").join().split(",").map((name) => name.trim().toLowerCase());
  const dropped = new Set([...HOP_BY_HOP, ...named.filter((name) => !END_TO_END.has(name))]);
  return fields.filter(([name]) => !dropped.has(name.toLowerCase()));
}

/** The lines of one name, which is in lower case. */
export function valuesOf(fields: Field[], name: string): string[] {
  return fields.find(([other]) => other.toLowerCase() === name)?.[1] ?? [];
}

/** Names and values in turn, as `node:http` takes them. */
export function flatten(fields: Field[]): string[] {
  return fields.flatMap(([name, values]) => values.flatMap((value) => [name, value]));
}

/** Lines of one name are together, where the first of them was. */
export function group(raw: string[]): Field[] {
  const fields = new Map<string, Field>();
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!, value = raw[at + 1]!, known = fields.get(name.toLowerCase());
    if (known) known[1].push(value);
    else fields.set(name.toLowerCase(), [name, [value]]);
  }
  return [...fields.values()];
}
