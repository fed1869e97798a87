import { cgroupLimit, systemMemory } from "../src/memory.ts";
import { equal, ok } from "./helpers/assert.ts";

Deno.test("memory: a platform that tells it has a heap and a process, both within their limits", () => {
  const [heap, process, ...others] = systemMemory()();
  equal(others, []);
  for (const { used, limit } of [heap!, process!]) ok(used > 1e6 && used < limit, `${used} of ${limit}`);
  ok(process!.used > heap!.used);
});

Deno.test("memory: the heap's limit is what V8 dies of, not what it says", async () => {
  const program = `import { systemMemory } from "${import.meta.resolve("../src/memory.ts")}";
console.log(systemMemory()()[0].limit / 2 ** 20);`;
  for (
    const [megabytes, more] of [[64, ""], [300, ""], [64, ",--max-semi-space-size=8"], [
      300,
      ",--max-semi-space-size=8",
    ]]
  ) {
    const args = ["eval", `--v8-flags=--max-old-space-size=${megabytes}${more}`, program];
    const { stdout } = await new Deno.Command(Deno.execPath(), { args }).output();
    equal(new TextDecoder().decode(stdout), `${megabytes}\n`);
  }
});

const CGROUPS: [what: string, files: Record<string, string>, limit: number][] = [
  ["no cgroup", {}, Infinity],
  ["a container", { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "536870912\n" }, 536_870_912],
  ["a container that shows the path of its host", {
    "/proc/self/cgroup": "0::/docker/abc\n",
    "/sys/fs/cgroup/memory.max": "1000\n",
  }, 1_000],
  ["a service whose slice has less", {
    "/proc/self/cgroup": "1:name=systemd:/x\n0::/system.slice/carillon.service\n",
    "/sys/fs/cgroup/system.slice/carillon.service/memory.max": "2000\n",
    "/sys/fs/cgroup/system.slice/memory.max": "1500\n",
  }, 1_500],
  ["a cgroup without a limit", { "/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/memory.max": "max\n" }, Infinity],
];
for (const [what, files, limit] of CGROUPS) {
  Deno.test(`memory: the limit of ${what} is found`, () => equal(cgroupLimit((path) => files[path] ?? ""), limit));
}
