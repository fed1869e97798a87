/** Seals what the database keeps by another `CARILLON_SECRET`. */
import { readConfig } from "../src/config.ts";
import { reseal } from "../src/store/reseal.ts";
import { Refusal, runCommand, UsageError } from "./lib/command.ts";
import { withDatabase } from "./lib/database.ts";
import { note } from "./lib/print.ts";

const help = `
deno task reseal --secret-file FILE

Seals the keys and the webhooks' secrets in the database by another CARILLON_SECRET. Run it on the worker's machine with
the settings of the worker, while every worker is stopped; then put the new secret into them. When it was cut off, run it
again.

  --secret-file FILE   holds the new secret; CARILLON_SECRET is the old one, or not set
  -h, --help           show this
`;

const options = { "secret-file": { type: "string" } } as const;

await runCommand(
  { name: "reseal", help, options },
  async ({ values: { "secret-file": file }, positionals: [stray] }) => {
    if (file === undefined || stray !== undefined) throw new UsageError("give --secret-file FILE, and nothing else");
    const to = await readSecret(file);
    const { sealed, left } = await withDatabase(
      "run this on the worker's machine",
      (kv, { secret: from }) => reseal(kv, { from, to }),
    );
    note(
      `The keys and ${sealed} webhooks are sealed by the new secret: set CARILLON_SECRET to it, and start the worker.`,
    );
    if (left > 0) note(`${left} webhooks were left: neither secret opens them.`);
  },
);

/** Held to the same rules as the setting; nothing of the file is ever shown. */
async function readSecret(path: string): Promise<string> {
  const text = await Deno.readTextFile(path).catch(() => {
    throw new Refusal(`the secret was not read: ${path}: there is no such file, or it is not readable`);
  });
  const { secret } = readConfig({ CARILLON_SECRET: text.trim() });
  if (secret === undefined) throw new Refusal(`the secret was not read: ${path}: the file is empty`);
  return secret;
}
