/** Raising the number of open files: thousands of streams need a socket each. */

/** Tries for so many; where that is not allowed, takes as many as the system lets us. `exec` keeps the process id. */
const RAISE = 'ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec "$@"';

/** A command that runs with as many open files as it may have. */
export function withFiles(program: string, args: string[], options: Deno.CommandOptions = {}): Deno.Command {
  return new Deno.Command("bash", { ...options, args: ["-c", RAISE, "bash", program, ...args] });
}
