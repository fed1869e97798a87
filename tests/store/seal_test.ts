import fc from "fast-check";
import { createEnvelope, open, seal, type Sealed } from "../../src/store/seal.ts";
import { equal, ok } from "../helpers/assert.ts";

const SECRET = "a secret of sixteen characters and more";

async function refusal(stored: Sealed, secret: string | undefined): Promise<string> {
  return await open(stored, secret).then(() => "", ({ message }: Error) => message);
}

Deno.test("seal: any text comes back with its secret, and without any secret as it is", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme" }), async (text) => {
      equal(await open(await seal(text, SECRET), SECRET), text);
      equal(await open(await seal(text, undefined), SECRET), text);
    }),
    { numRuns: 25 },
  );
});

Deno.test("seal: sealed text holds nothing of the text, and never twice the same bytes", async () => {
  const [a, b] = await Promise.all([seal("the private key", SECRET), seal("the private key", SECRET)]);
  ok(a.sealed && b.sealed);
  ok(!new TextDecoder().decode(a.data).includes("private"));
  ok(a.iv.toHex() !== b.iv.toHex() && a.data.toHex() !== b.data.toHex());
});

Deno.test("seal: another secret, none, or changed bytes do not open it, and the error says what to do, not what it is", async () => {
  const sealed = await seal("the private key", SECRET);
  ok(sealed.sealed);
  const changed = { ...sealed, data: sealed.data.with(0, sealed.data[0]! ^ 1) };
  const refusals = [
    await refusal(sealed, "another secret of the same length"),
    await refusal(sealed, undefined),
    await refusal(changed, SECRET),
  ];
  for (const message of refusals) ok(message.includes("CARILLON_SECRET") && !message.includes(SECRET), message);
});

Deno.test("seal: short texts come back, equal ones are sealed alike, and others by another vector", async () => {
  const { seal, unseal } = createEnvelope(SECRET), other = createEnvelope("another secret of the same length");
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), async (a, b) => {
      const [sealed, again, second] = await Promise.all([seal(a), seal(a), seal(b)]);
      equal([sealed, await unseal(sealed)], [again, a]);
      equal(sealed.slice(0, 7 + 16) === second.slice(0, 7 + 16), a === b);
      ok(sealed !== await other.seal(a));
    }),
    { numRuns: 25 },
  );
});
