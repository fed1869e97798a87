/** What a process has used so far, read from /proc. */

/** Linux counts CPU time in hundredths of a second. */
const TICKS_PER_SECOND = 100;

/** CPU seconds of all threads, user and kernel. */
export function cpuSeconds(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident memory, MB. */
export function residentMb(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
}

/** Starts to count the cores that processes keep busy; the answer says how many since then. */
export function watchCores(...pids: number[]): () => number[] {
  const before = pids.map(cpuSeconds), since = performance.now();
  return () => pids.map((pid, index) => (cpuSeconds(pid) - before[index]!) * 1000 / (performance.now() - since));
}
