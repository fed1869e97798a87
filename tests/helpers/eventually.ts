/** Waiting for what nobody tells. */

/** Asks again and again until it is so; throws after so many milliseconds. */
export async function eventually(what: string, holds: () => Promise<boolean>, milliseconds = 15_000): Promise<void> {
  const until = performance.now() + milliseconds;
  while (!await holds()) {
    if (performance.now() > until) throw new Error(`not in ${milliseconds} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
