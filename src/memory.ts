/** Memory as an argument: how much of it this process uses, and how much it may. Tests bring a reading of their own. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { getHeapStatistics } from "node:v8";

/** Bytes. */
export type Memory = { used: number; limit: number };

/** Each kind of memory that can run out. */
export type ReadMemory = () => Memory[];

/**
 * V8 adds three times the young generation's half to its limit (32 MiB each on 64 bits, or what its flag says), but a process
 * dies when the old generation alone is full: `--max-old-space-size=64` is told as 160 MiB. What is young may all have to
 * become old.
 */
function readYoung(): number {
  const [, megabytes = "32"] = /--max-semi-space-size=(\d+)/.exec(readText("/proc/self/cmdline")) ?? [];
  return 3 * Number(megabytes) * 1024 * 1024;
}

/** V8's heap, and the process as a whole; what a platform does not tell is left out. Takes some 25 microseconds. */
export function systemMemory(): ReadMemory {
  const cgroup = cgroupLimit(readText);
  const young = readYoung();
  const readings = [() => readHeap(young), () => readProcess(cgroup)].filter(isTold);
  return () => readings.map((read) => read());
}

function readHeap(young: number): Memory {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return { used, limit: Math.max(limit - young, limit / 4) };
}

/** It may use what it has and what nobody uses, within its cgroup. */
function readProcess(cgroup: number): Memory {
  const { rss } = Deno.memoryUsage();
  return { used: rss, limit: Math.min(cgroup, rss + Deno.systemMemoryInfo().available) };
}

function isTold(read: () => Memory): boolean {
  try {
    const { used, limit } = read();
    return used > 0 && limit > 0;
  } catch {
    return false;
  }
}

/**
 * The least `memory.max` of the cgroups (v2) that this process is in, bytes; infinite where there is none. In a container
 * they begin at its own. `read` answers an empty text for a file that is not there.
 */
export function cgroupLimit(read: (path: string) => string): number {
  const path = /^0::(\/.*)$/m.exec(read("/proc/self/cgroup"))?.[1] ?? "/";
  let least = Infinity;
  for (let folder = path;; folder = dirname(folder)) {
    const text = read(join("/sys/fs/cgroup", folder, "memory.max"));
    if (/^\d+\s*$/.test(text)) least = Math.min(least, Number(text));
    if (folder === "/") return least;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
