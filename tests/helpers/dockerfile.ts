/** Reads our Dockerfile: as much of its language as that uses. */
export type Dockerfile = Awaited<ReturnType<typeof readDockerfile>>;

export async function readDockerfile(path: string) {
  const lines = (await Deno.readTextFile(path)).replace(/^#.*\n/gm, "").replaceAll("\\\n", " ").split("\n");
  const steps = lines.filter(Boolean).map((line) => /^([A-Z]+) (.*)$/.exec(line)!.slice(1) as [string, string]);
  const all = (name: string) => steps.filter(([step]) => step === name).map(([, rest]) => rest.trim());
  const one = (name: string) => all(name).at(-1)!;
  return {
    from: one("FROM"),
    user: one("USER"),
    stopSignal: one("STOPSIGNAL"),
    env: Object.fromEntries(one("ENV").split(" ").map((each) => each.split(/=(.*)/).slice(0, 2))) as Record<
      string,
      string
    >,
    copied: all("COPY").map((rest) => {
      const names = rest.split(" ");
      return { from: names.slice(0, -1), to: names.at(-1)! };
    }),
    /** What fetches the packages. */
    cache: all("RUN").find((run) => run.startsWith("deno "))!.split(" "),
    command: JSON.parse(one("CMD")) as string[],
    health: JSON.parse(/CMD (\[.*)$/.exec(one("HEALTHCHECK"))![1]!) as string[],
  };
}
