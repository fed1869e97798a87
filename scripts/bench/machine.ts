/** The machine that a figure was measured on: without it no figure means anything. */
import { readFileSync } from "node:fs";

/** One line: cores, CPU, kernel, Deno, and how busy the machine was already. */
export function describeMachine(): string {
  const load = Deno.loadavg().slice(0, 2).map((average) => average.toFixed(2)).join(", ");
  return [
    `${navigator.hardwareConcurrency} cores`,
    cpuModel(),
    `Linux ${Deno.osRelease()}`,
    `Deno ${Deno.version.deno}`,
    new Date().toISOString().slice(0, 16) + "Z",
    `load ${load}`,
  ].join(" | ");
}

function cpuModel(): string {
  const info = readFileSync("/proc/cpuinfo", "utf8");
  return /^model name\s*:\s*(.+)$/m.exec(info)?.[1] ?? Deno.build.arch;
}
