/** What every command does alike: reads its arguments, shows its help, and says what went wrong in one line. */
import { parseArgs, type ParseArgsConfig } from "node:util";
import { ConfigError } from "../../src/config.ts";
import { CarillonError } from "../../src/errors.ts";
import { StoreError } from "../../src/store/store_error.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;

const HELP = { help: { type: "boolean", short: "h" } } as const;

type Parsed<T extends Options> = ReturnType<
  typeof parseArgs<{ options: T & typeof HELP; allowPositionals: true; strict: true }>
>;

const EX_REFUSED = 1;
const EX_USAGE = 2;

/** The command was not understood. */
export class UsageError extends Error {}

/** The command was understood and could not be done: the message says what to do next. */
export class Refusal extends Error {}

/** Runs a command, and ends the process: 0 when it is done, 1 when it was refused, 2 when it was not understood. */
export async function runCommand<T extends Options>(
  { name, help, options }: { name: string; help: string; options: T },
  run: (args: Parsed<T>) => Promise<void>,
): Promise<never> {
  try {
    const parsed = read(options);
    if ((parsed.values as { help?: boolean }).help) console.log(help.trim());
    else await run(parsed);
    Deno.exit(0);
  } catch (thrown) {
    // Whoever read our output has gone (`… | head -1`): that is no fault.
    if (thrown instanceof Deno.errors.BrokenPipe) Deno.exit(0);
    const { text, code } = explain(thrown, name);
    console.error(`${name}: ${text.replace(/\s*\n\s*/g, " ")}`);
    Deno.exit(code);
  }
}

function read<T extends Options>(options: T): Parsed<T> {
  // `deno task NAME -- …` hands on the dashes that others take away.
  const args = Deno.args[0] === "--" ? Deno.args.slice(1) : [...Deno.args];
  try {
    return parseArgs({ args, options: { ...options, ...HELP }, allowPositionals: true, strict: true }) as Parsed<T>;
  } catch (thrown) {
    throw new UsageError((thrown as Error).message);
  }
}

/** What is none of ours is a mistake in here, and leaves with its stack. */
function explain(thrown: unknown, name: string): { text: string; code: number } {
  if (thrown instanceof UsageError) {
    return { text: `${sentence(thrown.message)} See deno task ${name} --help.`, code: EX_USAGE };
  }
  if (thrown instanceof ConfigError) {
    return { text: `the settings are wrong: ${thrown.message.replaceAll("\n", "; ")}`, code: EX_REFUSED };
  }
  if (thrown instanceof CarillonError) {
    return { text: `${sentence(thrown.message)} ${thrown.meaning.advice}`, code: EX_REFUSED };
  }
  if (thrown instanceof Refusal || thrown instanceof StoreError) return { text: thrown.message, code: EX_REFUSED };
  throw thrown;
}

function sentence(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`;
}
