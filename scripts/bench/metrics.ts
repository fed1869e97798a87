/** What a worker says of itself at `/-/metrics`. */

/** Reads all of it once; the answer finds a figure by its name and labels, 0 where there is none. */
export async function readMetrics(url: string, admin: string): Promise<(name: string) => number> {
  const response = await fetch(`${url}/-/metrics`, { headers: { authorization: `Bearer ${admin}` } });
  const lines = (await response.text()).split("\n");
  return (name) => Number(lines.find((line) => line.startsWith(`${name} `))?.split(" ").at(-1) ?? 0);
}
