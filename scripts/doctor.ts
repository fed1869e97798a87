/** Looks at a running deployment from outside, and says of each thing what was measured and what to do next. */
import { type Config, ConfigError } from "../src/config.ts";
import { StoreError } from "../src/store/store_error.ts";
import { bearerOf, type Credential, signerCredential } from "./doctor/credential.ts";
import { deploymentOf, type Target } from "./doctor/deployment.ts";
import { examine, type Finding } from "./doctor/examine.ts";
import { checkAccessToken } from "./lib/access_token.ts";
import { findAddress, readSettings, readTopic } from "./lib/address.ts";
import { Refusal, runCommand, UsageError } from "./lib/command.ts";
import { print } from "./lib/print.ts";
import { findSigner } from "./lib/signer.ts";

const help = `
deno task doctor --url https://push.example.com [--token TOKEN]

Looks at a deployment from outside: DNS, TLS, HTTP/2, the worker and its database, clocks, keys, limits of proxies, and
a change from end to end on an event stream. Takes 30 seconds at most, and ends with 1 where something fails.

  --url URL        the deployment (CARILLON_URL)
  --token TOKEN    an access token that may publish to the topic and listen to it, as deno task token makes one
  --key FILE       sign with this private JWK instead, as deno task issuer makes it
  --issuer NAME    the name of that key's issuer in CARILLON_ISSUERS
  --topic TOPIC    what is rung (https://doctor.invalid/)
  --origin ORIGIN  a page's origin that CORS must let in
  --ca FILE        trust the authorities in this PEM file as well
  --json           print one JSON object: {"url", "status", "checks": [{"check", "status", "measured", "advice"}]}
  -h, --help       show this

On the worker's machine, with its settings, the key comes from its own database.
`;

const options = {
  url: { type: "string" },
  token: { type: "string" },
  key: { type: "string" },
  issuer: { type: "string" },
  topic: { type: "string", default: "https://doctor.invalid/" },
  origin: { type: "string" },
  ca: { type: "string" },
  json: { type: "boolean", default: false },
} as const;

type Values = {
  url?: string;
  token?: string;
  key?: string;
  issuer?: string;
  topic: string;
  origin?: string;
  ca?: string;
};

await runCommand({ name: "doctor", help, options }, async ({ values, positionals: [stray] }) => {
  if (stray !== undefined) throw new UsageError("an argument stands alone: each has its flag");
  const target = await readTarget(values), findings: Finding[] = [];
  using client = Deno.createHttpClient({ caCerts: target.ca === undefined ? [] : [target.ca] });
  for await (const finding of examine(deploymentOf(target, (address, init) => fetch(address, { ...init, client })))) {
    findings.push(finding);
    if (!values.json) await print(line(finding));
  }
  if (values.json) await print(JSON.stringify({ url: target.url, status: worst(findings), checks: findings }));
  const failed = findings.filter(({ status }) => status === "fail").map(({ check }) => check);
  if (failed.length > 0) throw new Refusal(`${failed.join(", ")} failed: do as the advice says, and look again`);
});

async function readTarget(values: Values): Promise<Target> {
  const url = findAddress(values.url), topic = readTopic(values.topic, url), settings = settingsOf(url);
  return {
    url,
    topic,
    settings,
    origin: values.origin === undefined ? undefined : readOrigin(values.origin),
    ca: await readAuthorities(values.ca),
    credential: await findCredential({ ...values, topic }, url, settings),
    now: Date.now,
    elapsed: () => performance.now(),
  };
}

function line({ check, status, measured, advice }: Finding): string {
  return `${status.padEnd(5)} ${check.padEnd(12)} ${measured}${advice ? `\n      ${" ".repeat(12)} -> ${advice}` : ""}`;
}

function worst(findings: Finding[]): string {
  return ["fail", "warn"].find((status) => findings.some((finding) => finding.status === status)) ?? "ok";
}

/** A database beside us rings for its own worker alone. */
function settingsOf(url: string): Config | undefined {
  try {
    const settings = readSettings();
    return settings.url === url ? settings : undefined;
  } catch (thrown) {
    if (thrown instanceof ConfigError) return undefined;
    throw thrown;
  }
}

async function findCredential(
  { token, key, issuer, topic }: Values,
  url: string,
  settings: Config | undefined,
): Promise<Credential | undefined> {
  if (token !== undefined) return bearerOf(checkAccessToken(token), topic);
  const isLocal = key === undefined && issuer === undefined;
  if (isLocal && settings === undefined) return undefined;
  const signer = await findSigner({ key, issuer }).catch((thrown) => {
    // All but the ring can be looked at without a database, also where it is what is broken.
    if (isLocal && (thrown instanceof Refusal || thrown instanceof StoreError)) return undefined;
    throw thrown;
  });
  return signer && await signerCredential(signer, url, topic);
}

async function readAuthorities(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const text = await Deno.readTextFile(path).catch(() => "");
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw new Refusal(`the authorities were not read: ${path}: expected certificates in PEM`);
}

function readOrigin(text: string): string {
  const origin = URL.parse(text)?.origin;
  if (origin === text) return origin;
  throw new UsageError("--origin is no origin such as https://app.example.com");
}
