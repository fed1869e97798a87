/** Makes a key pair for a server that is to sign, and the entry that lets the worker know it. */
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { ConfigError, readConfig } from "../src/config.ts";
import { type Algorithm, ALGORITHMS } from "../src/config/issuers.ts";
import { Refusal, runCommand, UsageError } from "./lib/command.ts";
import { note, print } from "./lib/print.ts";

const help = `
deno task issuer NAME [--topics PATTERN] [--algorithm EdDSA] [--save FILE]

Makes a key pair. Prints the private JWK, which the server NAME keeps, and then the matching CARILLON_ISSUERS.

  --topics PATTERN   the topics that it may speak for; repeat the flag for more (*, which is every topic)
  --algorithm ALG    ${ALGORITHMS.join(", ")}; HS256 is a secret that both sides share (EdDSA)
  --save FILE        write the private JWK into this file, readable by you alone, and print CARILLON_ISSUERS alone
  -h, --help         show this

Try it: deno task ring TOPIC --key FILE --issuer NAME
`;

const options = {
  topics: { type: "string", multiple: true },
  algorithm: { type: "string", default: "EdDSA" },
  save: { type: "string" },
} as const;

/** Bytes: as long as the hash (RFC 7518 3.2); in the entry they stand as base64url text. */
const SECRET_BYTES = 32;

await runCommand({ name: "issuer", help, options }, async ({ values, positionals: [name, stray] }) => {
  if (name === undefined) throw new UsageError("no name was given: it is the iss of what the server signs");
  if (stray !== undefined) throw new UsageError(`${stray} is one name too many; before each topic repeat --topics`);
  const algorithm = readAlgorithm(values.algorithm);
  const { key, entry } = await makeIssuer(name, algorithm, values.topics ?? ["*"]);
  checkEntry(entry);
  if (values.save === undefined) await print(JSON.stringify(key));
  else await save(values.save, key);
  await print(JSON.stringify([entry]));
  note(`The entry goes into CARILLON_ISSUERS of the worker; the key stays with ${name}.`);
  if (!values.topics) note("It may speak for every topic: --topics narrows that.");
});

async function makeIssuer(iss: string, algorithm: Algorithm, topics: string[]) {
  const { key, known } = algorithm === "HS256" ? makeSecret() : await makePair(algorithm);
  return { key, entry: { iss, ...known, algorithms: [algorithm], topics } };
}

async function makePair(alg: Algorithm) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const about = { kid: crypto.randomUUID().slice(0, 8), alg, use: "sig" };
  const jwks = { keys: [{ ...await exportJWK(publicKey), ...about }] };
  return { key: { ...await exportJWK(privateKey), ...about }, known: { jwks } };
}

/** The worker takes the secret's text as it stands, so the JWK holds the bytes of that text. */
function makeSecret() {
  const alphabet = { alphabet: "base64url", omitPadding: true } as const;
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES)).toBase64(alphabet);
  const k = new TextEncoder().encode(secret).toBase64(alphabet);
  return { key: { kty: "oct", k, alg: "HS256", use: "sig" }, known: { secret } };
}

/** Refuses what the worker would refuse. */
function checkEntry(entry: unknown): void {
  try {
    readConfig({ CARILLON_ISSUERS: JSON.stringify([entry]) });
  } catch (thrown) {
    throw thrown instanceof ConfigError ? new UsageError(`the worker would refuse it: ${thrown.message}`) : thrown;
  }
}

function readAlgorithm(text: string): Algorithm {
  const found = ALGORITHMS.find((name) => name.toLowerCase() === text.toLowerCase());
  if (found) return found;
  throw new UsageError(`--algorithm was not understood: ${text}: give ${ALGORITHMS.join(", ")}`);
}

/** Never over a key that exists: what was signed with it could not be made again. */
async function save(path: string, key: JWK): Promise<void> {
  try {
    await Deno.writeTextFile(path, `${JSON.stringify(key)}\n`, { createNew: true, mode: 0o600 });
  } catch (thrown) {
    if (thrown instanceof Deno.errors.AlreadyExists) throw new Refusal(`the key was not saved: ${path} exists already`);
    throw new Refusal(`the key was not saved: ${path} is not writable`);
  }
}
