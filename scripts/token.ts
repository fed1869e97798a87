/** Prints an access token of the local issuer, or of one whose key is at hand; or makes a new admin token. */
import { makeAdminToken } from "../src/store/keys.ts";
import { type Grants, signAccessToken } from "./lib/access_token.ts";
import { findAddress, readSettings } from "./lib/address.ts";
import { Refusal, runCommand, UsageError } from "./lib/command.ts";
import { withDatabase } from "./lib/database.ts";
import { parseDuration } from "./lib/duration.ts";
import { print } from "./lib/print.ts";
import { findSigner } from "./lib/signer.ts";

const help = `
deno task token --publish PATTERN --subscribe PATTERN [--expires 1h]
deno task token --admin

Prints an access token (RFC 9068), and nothing else on standard output: TOKEN=$(deno task token --subscribe '*').

  --publish PATTERN    may publish to these topics; repeat the flag for more (--publish A --publish B)
  --subscribe PATTERN  may read these topics; repeat the flag for more
  --expires TIME       lives so long: 90s, 30m, 12h, 7d (1h)
  --url URL            the worker that it is for, as the worker prints its address (CARILLON_URL)
  --key FILE           sign with this private JWK instead of the local issuer's, as deno task issuer makes it
  --issuer NAME        the name of that key's issuer in CARILLON_ISSUERS
  --admin              make a new admin token, for console and metrics, and print it this once; the old one ends
  -h, --help           show this

A PATTERN is * (every topic), a URLPattern where it holds *, { or (, and one exact topic else.
On the worker's machine key and address come from its own settings and database.
`;

const options = {
  publish: { type: "string", multiple: true },
  subscribe: { type: "string", multiple: true },
  expires: { type: "string", default: "1h" },
  url: { type: "string" },
  key: { type: "string" },
  issuer: { type: "string" },
  admin: { type: "boolean" },
} as const;

type Values = Grants & { expires: string; url?: string; key?: string; issuer?: string };

await runCommand({ name: "token", help, options }, async ({ values, positionals: [stray] }) => {
  if (stray !== undefined) throw new UsageError(`${stray} stands alone: repeat the flag before each pattern`);
  await print(values.admin ? await renewAdminToken(values) : await makeToken(values));
});

async function makeToken({ publish, subscribe, expires, url: given, key, issuer }: Values): Promise<string> {
  if (!publish && !subscribe) throw new UsageError("the token would grant nothing: give --publish or --subscribe");
  const seconds = parseDuration(expires, "--expires");
  if (seconds === 0) throw new UsageError("--expires is no time at all: a token lives for a second at least");
  const url = findAddress(given);
  return await signAccessToken(await findSigner({ key, issuer }), url, { publish, subscribe }, seconds);
}

async function renewAdminToken({ publish, subscribe, url, key, issuer }: Values): Promise<string> {
  if (publish ?? subscribe ?? url ?? key ?? issuer) throw new UsageError("--admin stands alone");
  if (readSettings().adminToken) {
    throw new Refusal("CARILLON_ADMIN_TOKEN is set, and the worker takes that one alone: unset it first");
  }
  return await withDatabase("run this on the worker's machine", makeAdminToken);
}
