/** All that a database holds, as text: what must not be kept is not in it. */

/** Most records are JSON as bytes, which `Deno.inspect` would show as numbers. */
export async function keptIn(kv: Deno.Kv): Promise<string> {
  const decoder = new TextDecoder();
  const texts = await Array.fromAsync(
    kv.list({ prefix: [] }),
    ({ key, value }) =>
      Deno.inspect([key, value instanceof Uint8Array ? decoder.decode(value) : value], {
        depth: 20,
        iterableLimit: Infinity,
        strAbbreviateSize: Infinity,
      }),
  );
  return texts.join("\n");
}
