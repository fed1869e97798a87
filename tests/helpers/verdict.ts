/** The verdict on what came of changes that were acknowledged: what was lost, doubled, or out of order. */
import { equal, ok } from "./assert.ts";
import type { StreamChain } from "./stream_chain.ts";

/** Changes are `SERVER-NUMBER`, counted from 0; `newest` are the last ones of each server, `told` what phones were told. */
type Evidence = { acknowledged: string[]; newest: string[]; chains: StreamChain[]; told: string[][] };

/** Prints it in a line. Throws where something was lost, or streams were told it twice or in another order. */
export function judge(title: string, { acknowledged, newest, chains, told }: Evidence): void {
  const lost = [
    ...chains.flatMap(({ heard }) => acknowledged.filter((change) => !heard.has(change))),
    ...told.flatMap((changes) => newest.filter((change) => !changes.includes(change))),
  ];
  const delivered = [...chains.map(({ tokens }) => tokens), ...told].reduce((sum, { length }) => sum + length, 0);
  // A phone may be told twice; a listener may not.
  const duplicates = told.reduce((sum, changes) => sum + changes.length - new Set(changes).size, 0);
  console.log(
    `${title}: acknowledged ${acknowledged.length}, delivered ${delivered}, duplicates ${duplicates}, lost ${lost.length}`,
  );
  equal(lost, []);
  for (const chain of chains) judgeChain(chain, chains[0]!);
}

function judgeChain({ tokens, strange, heard }: StreamChain, first: StreamChain): void {
  equal(strange, [], "no stream was told that something is lost");
  equal(tokens.length, heard.size, "none twice within a chain of streams");
  equal(tokens, first.tokens, "one order on all streams");
  ok(isInOrder(tokens), "the changes of one server stay in their order");
}

function isInOrder(tokens: string[]): boolean {
  const next = new Map<string, number>();
  return tokens.every((token) => {
    const [server, number] = token.split("-") as [string, string];
    const expected = next.get(server) ?? 0;
    next.set(server, expected + 1);
    return Number(number) === expected;
  });
}
