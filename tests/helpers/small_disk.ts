/** A disk of a few megabytes that a test can fill: a file system in memory, which takes rights to mount. */

/** Answers how many megabytes it would make, or throws why none can be mounted here. */
export async function findSmallDisk(): Promise<(megabytes: number) => ReturnType<typeof mountSmallDisk>> {
  await using _tried = await mountSmallDisk(1);
  return mountSmallDisk;
}

export type SmallDisk = Awaited<ReturnType<typeof mountSmallDisk>>;

/** Mounts one; `await using` unmounts it. Throws where that is not allowed. */
export async function mountSmallDisk(megabytes: number) {
  const path = await Deno.makeTempDir({ prefix: "carillon-disk-" });
  const ballast = `${path}/ballast`;
  await run("mount", "-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path).catch(async (thrown) => {
    await Deno.remove(path);
    throw thrown;
  });
  return {
    path,
    /** Fills it to the last byte. */
    fill: () => fill(ballast),
    free: () => Deno.remove(ballast),
    [Symbol.asyncDispose]: async () => {
      // Whoever was killed a moment ago may hold it still.
      await run("umount", "--lazy", path);
      await Deno.remove(path);
    },
  };
}

async function fill(path: string): Promise<void> {
  using file = await Deno.open(path, { create: true, append: true });
  for (const size of [65_536, 4_096, 1]) {
    const bytes = new Uint8Array(size);
    while (await file.write(bytes).catch(() => 0) === size);
  }
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr).trim()}`);
}
