/** A command in a process of its own, and how much of a core it kept busy: a client at its limit measures itself. */

/** Its last line on stderr is what it used of the CPU, seconds in user and kernel. */
const TIME = `TIMEFORMAT='%U %S'; time "$@"`;

/** `cores` is of the time that the command ran. Throws what it said when it fails. */
export async function runTimed(program: string, args: string[]): Promise<{ text: string; cores: number }> {
  const since = performance.now();
  const command = new Deno.Command("bash", { args: ["-c", TIME, "bash", program, ...args] });
  const { success, stdout, stderr } = await command.output();
  const seconds = (performance.now() - since) / 1000, said = new TextDecoder().decode(stderr).trim();
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${said}`);
  const [user, system] = said.split("\n").at(-1)!.split(" ").map(Number);
  return { text: new TextDecoder().decode(stdout), cores: (user! + system!) / seconds };
}
