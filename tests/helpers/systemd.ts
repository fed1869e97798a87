/** A systemd of its own, as the first process of new namespaces: with our units alone, on a copy of this machine's files. */
import { startProcess } from "../../scripts/lib/process.ts";
import { eventually } from "./eventually.ts";

/** Whatever is written stays in memory, and goes with the namespaces; the network is that of the machine. */
const ENTER = `
mount --make-rprivate /
mkdir $0/root $0/memory
mount -t tmpfs tmpfs $0/memory
mkdir $0/memory/upper $0/memory/work
mount -t overlay overlay -o lowerdir=/,upperdir=$0/memory/upper,workdir=$0/memory/work $0/root
cd $0/root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs tmpfs sys/fs/cgroup
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mkdir -p before
pivot_root . before
cd /
umount -l /before
export container=carillon SYSTEMD_UNIT_PATH=/etc/systemd/system
rm -rf /etc/systemd/system
mkdir -p /etc/systemd/system
for target in sysinit basic shutdown network-online multi-user; do
  printf '[Unit]\\nDefaultDependencies=no\\n' > /etc/systemd/system/$target.target
done
exec /lib/systemd/systemd --system --unit=basic.target --log-target=console --show-status=no
`;

const NAMESPACES = ["--mount", "--pid", "--uts", "--ipc", "--cgroup"];

/** `run` is a script there, which must succeed. Throws where the machine does not let us. */
export async function openSystemd() {
  const folder = await Deno.makeTempDir({ prefix: "carillon-" }), groups = await findGroups();
  const group = `${groups}/${folder.split("/").at(-1)}`;
  const join = `umask 022 && mkdir ${group} && echo $$ > ${group}/cgroup.procs && exec unshare ${NAMESPACES.join(" ")}`;
  const args = ["-c", `${join} --fork --kill-child sh -e -c '${ENTER.replaceAll("'", `'\\''`)}' ${folder}`];
  const unshare = startProcess("sh", { args });
  const first = async () => Number(await Deno.readTextFile(`/proc/${unshare.pid}/task/${unshare.pid}/children`));

  async function run(script: string): Promise<string> {
    const within = [
      "-t",
      `${await first()}`,
      "-m",
      "-p",
      "-u",
      "-i",
      "-C",
      "bash",
      "-euo",
      "pipefail",
      "-c",
      `umask 022; ${script}`,
    ];
    const { success, stdout, stderr } = await new Deno.Command("nsenter", { args: within }).output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    if (!success) throw new Error(`${script}: ${said}`);
    return said.trim();
  }

  async function end(): Promise<void> {
    await unshare.end("SIGKILL");
    await eventually("its groups are gone", () => removeGroups(group));
    await Deno.remove(folder, { recursive: true });
  }

  let isOver = false;
  void unshare.ended.then(() => isOver = true);
  const isRunning = () => run("systemctl is-system-running").then(() => true, () => false);
  try {
    await eventually("systemd runs, or may not", async () => isOver || await isRunning(), 30_000);
    if (isOver) throw new Error("it has ended");
  } catch {
    const { err } = unshare.output;
    await end();
    throw new Error(`systemd did not start in namespaces: ${err}`);
  }
  return { run, [Symbol.asyncDispose]: end };
}

async function findGroups(): Promise<string> {
  const mounts = await Deno.readTextFile("/proc/mounts");
  return /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1] ?? "/sys/fs/cgroup";
}

/** The innermost first; not before the last process has gone. */
async function removeGroups(group: string): Promise<boolean> {
  const args = [group, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"];
  await new Deno.Command("find", { args, stderr: "null" }).output();
  return await Deno.stat(group).then(() => false, () => true);
}
