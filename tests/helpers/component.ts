/** Tests against real programs that a machine may lack. */

/** A missing component fails its tests where this variable is 1, as in CI; elsewhere they are skipped. */
const REQUIRE_ALL = "CARILLON_REQUIRE_ALL";

/**
 * Looks for a component once, and answers what registers its tests. `find` answers what was found, or undefined, or
 * throws the reason why it is missing. `isRight`: nothing that is installed could help, so the tests are skipped.
 */
export async function component<T>(
  name: string,
  find: () => Promise<T | undefined> | T | undefined,
  { isRight = false } = {},
) {
  const { found, reason } = await look(find);
  const missing = found === undefined;
  const ignore = missing && (isRight || Deno.env.get(REQUIRE_ALL) !== "1");
  if (ignore) console.warn(`skipped, since ${name} is missing: ${reason}`);

  return (title: string, run: (found: T, t: Deno.TestContext) => Promise<void> | void): void =>
    Deno.test(title, { ignore }, (t) => {
      if (missing) throw new Error(`${REQUIRE_ALL} is 1 and ${name} is missing: ${reason}`);
      return run(found, t);
    });
}

async function look<T>(find: () => Promise<T | undefined> | T | undefined): Promise<{ found?: T; reason: string }> {
  try {
    return { found: await find(), reason: "it was not found" };
  } catch (thrown) {
    return { reason: thrown instanceof Error ? thrown.message : `${thrown}` };
  }
}
