/** Values that are none of ours, to be written under keys of ours. */
import fc from "fast-check";
import { encodeRecord } from "../../src/store/record.ts";

const encoder = new TextEncoder();
const bytes = (text: string) => encoder.encode(text);

/** No record of any kind: not bytes, no JSON, another version, or cut off in the middle. */
export const junk: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    undefined,
    true,
    NaN,
    -0,
    Infinity,
    "",
    [],
    {},
    new Map(),
    new Date(0),
    /x/,
    new Error(),
  ),
  fc.double(),
  fc.string(),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => new Deno.KvU64(value)),
  fc.uint8Array({ maxLength: 200 }).filter((value) => value[0] !== 0x7b),
  fc.jsonValue(),
  fc.jsonValue().map((value) => bytes(JSON.stringify({ v: 2, ...(value as object) }))),
  fc.jsonValue().map((value) => bytes(JSON.stringify([value]))),
  fc.integer({ min: 1, max: 2_000 }).map((depth) => bytes(`{"v":1,"x":${"[".repeat(depth)}${"]".repeat(depth)}}`)),
  fc.jsonValue().map((value) => bytes(JSON.stringify({ v: 1, x: value }).slice(0, -1))),
);

/** A record of the right version, of which members are missing, or something else. */
export function maimed(record: object): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  return maimedObject(record).map((copy) => encodeRecord(copy));
}

export function maimedObject(record: object): fc.Arbitrary<Record<string, unknown>> {
  return fc.array(fc.record({ at: fc.nat(), by: wrong }), { minLength: 1, maxLength: 3 }).map((wounds) => {
    const copy = structuredClone(record);
    for (const { at, by } of wounds) maim(copy, at, by);
    return copy as Record<string, unknown>;
  });
}

/** Undefined takes a member away. */
const wrong: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, true, "", [], {}, 0, -1, 1e308, 1.5, [null], { id: 1 }, "a\nb", [[]]),
  fc.jsonValue(),
);

type Member = { of: Record<string, unknown>; name: string };

function maim(record: object, at: number, by: unknown): void {
  const members = [...membersOf(record)];
  // The wounds before may have left nothing.
  if (members.length === 0) return;
  const { of, name } = members[at % members.length]!;
  if (by === undefined) delete of[name];
  else of[name] = structuredClone(by);
}

function* membersOf(value: unknown): Generator<Member> {
  if (typeof value !== "object" || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    yield { of: value as Record<string, unknown>, name };
    yield* membersOf(member);
  }
}
