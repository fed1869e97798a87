import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Buffer } from "node:buffer";
import { rewriteBody } from "../../src/dav/rewrite_body.ts";
import type { Rewriter } from "../../src/dav/multistatus.ts";
import { equal, ok } from "../helpers/assert.ts";

/** Lets all go but the last character, and says when it saw more than there is. */
function holding(): Rewriter & { seen: () => string } {
  let held = "", seen = "";
  return {
    write: (text) => {
      const all = [...held + text];
      seen += text;
      held = all.pop() ?? "";
      return all.join("");
    },
    end: () => {
      const rest = held;
      held = "";
      return rest;
    },
    hasFailed: () => false,
    seen: () => seen,
  };
}

/** What comes out of a body that an upstream sends in these pieces. */
async function send(pieces: Uint8Array[]): Promise<{ out: Uint8Array; isWhole: boolean; seen: string }> {
  const upstream = createServer(async (_incoming, outgoing) => {
    for (const piece of pieces) {
      outgoing.write(piece);
      await new Promise((resolve) => setTimeout(resolve));
    }
    outgoing.end();
  });
  const rewriter = holding(), done = Promise.withResolvers<boolean>();
  const proxy = createServer((_incoming, outgoing: ServerResponse) => {
    get(
      { port: (upstream.address() as AddressInfo).port, host: "127.0.0.1", agent: false },
      (response) => rewriteBody(response, outgoing, rewriter, done.resolve),
    );
  });
  for (const server of [upstream, proxy]) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const chunks: Uint8Array[] = [];
  await new Promise<void>((resolve) =>
    get(
      { port: (proxy.address() as AddressInfo).port, host: "127.0.0.1", agent: false },
      (response: IncomingMessage) => {
        response.on("data", (chunk) => chunks.push(chunk));
        response.once("end", () => resolve());
      },
    )
  );
  for (const server of [upstream, proxy]) await new Promise<void>((resolve) => server.close(() => resolve()));
  return { out: Buffer.concat(chunks), isWhole: await done.promise, seen: rewriter.seen() };
}

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("rewrite body: characters that are cut between two pieces are one", async () => {
  const text = "\ufeffa é € 😀 z", all = bytes(text);
  for (const size of [1, 2, 3, 5, all.byteLength]) {
    const pieces = Array.from(
      { length: Math.ceil(all.byteLength / size) },
      (_, n) => all.slice(n * size, (n + 1) * size),
    );
    const { out, isWhole, seen } = await send(pieces);
    equal([new TextDecoder("utf-8", { ignoreBOM: true }).decode(out), isWhole, seen], [text, true, text]);
  }
});

Deno.test("rewrite body: what is no UTF-8 passes as it is, from there on, and is told", async () => {
  const bad = [
    [bytes("abc"), Uint8Array.of(0xff, 0x41), bytes("def")],
    [bytes("abc"), Uint8Array.of(0xc3), bytes("x")],
    [bytes("abc"), Uint8Array.of(0xf0, 0x9f)],
    [Uint8Array.of(0x80)],
  ];
  for (const pieces of bad) {
    const { out, isWhole } = await send(pieces);
    equal([[...out], isWhole], [pieces.flatMap((piece) => [...piece]), false]);
  }
});

Deno.test("rewrite body: a long one goes on as it comes", async () => {
  const { out, isWhole } = await send(Array.from({ length: 200 }, () => bytes("é".repeat(50_000))));
  ok(isWhole);
  equal(out.byteLength, 200 * 100_000);
});

Deno.test("rewrite body: 50 MB of multistatus are rewritten in memory that does not grow with them", async () => {
  const script = new URL("../helpers/multistatus_memory.ts", import.meta.url).pathname;
  // In a process of its own: the memory of this one is that of other tests as well.
  const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", script], stderr: "inherit" });
  const { topics, hidden, bytes, most } = JSON.parse(new TextDecoder().decode((await command.output()).stdout));
  equal([topics, hidden], [110_000, 0]);
  // What the collector has not looked at yet, of all three parties.
  ok(bytes > 40e6 && most < 300e6, `${bytes} ${most}`);
});
