/** A name server of ours (RFC 1035) on a free port of this machine. */
import { createSocket, type RemoteInfo } from "node:dgram";
import ipaddr from "ipaddr.js";

const KINDS: Record<number, "A" | "AAAA"> = { 1: "A", 28: "AAAA" };

/** The addresses that a name has; or `never`: no answer; `broken`: SERVFAIL. */
type Zone = Record<string, string[] | "never" | "broken" | { A: string[] | "never"; AAAA: string[] | "never" }>;

export async function serveDns(zone: Zone) {
  const asked: string[] = [];
  const socket = createSocket("udp4");
  socket.on("message", (query: Uint8Array, { port, address }: RemoteInfo) => {
    const { name, kind, question } = readQuestion(query);
    asked.push(`${name} ${kind}`);
    const found = zone[name], answer = found && typeof found === "object" && "A" in found ? found[kind] : found;
    if (answer !== "never") socket.send(printAnswer({ query, question, kind, answer }), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", () => resolve()));
  return {
    nameServer: { ipAddr: "127.0.0.1", port: socket.address().port },
    /** Names and kinds. */
    asked,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => socket.close(() => resolve())),
  };
}

/** RFC 1035 4.1.2. */
function readQuestion(query: Uint8Array) {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(new TextDecoder().decode(query.slice(at + 1, at += length + 1)));
  }
  const kind = KINDS[query[at + 1]! << 8 | query[at + 2]!]!;
  return { name: labels.join("."), kind, question: query.slice(12, at + 5) };
}

type Answer = { query: Uint8Array; question: Uint8Array; kind: "A" | "AAAA"; answer?: string[] | "broken" };

/** RFC 1035 4.1.1 and 4.1.3; of the addresses only those of the kind that was asked for. */
function printAnswer({ query, question, kind, answer }: Answer): Uint8Array {
  const addresses = (Array.isArray(answer) ? answer : []).map((text) => ipaddr.parse(text))
    .filter((address) => address.kind() === (kind === "A" ? "ipv4" : "ipv6"));
  const code = answer === undefined ? 3 : answer === "broken" ? 2 : 0;
  const records = addresses.flatMap((address) => {
    const bytes = address.toByteArray();
    return [0xc0, 12, 0, kind === "A" ? 1 : 28, 0, 1, 0, 0, 0, 60, 0, bytes.length, ...bytes];
  });
  const head = [query[0]!, query[1]!, 0x81, 0x80 | code, 0, 1, 0, addresses.length, 0, 0, 0, 0];
  return Uint8Array.from([...head, ...question, ...records]);
}
