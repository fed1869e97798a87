/** Bogus pushes as fast as the worker answers them, by wrk: it costs so little that the worker keeps a core for itself. */
import { join } from "node:path";
import { CACHE } from "./paths.ts";
import { runTimed } from "./timed_command.ts";

/** `push` and `authorization` are those of a restricted subscription, which are known to whoever attacks. */
export type Flood = { port: number; push: string; authorization: string; seconds: number };

/** Those that were answered, and of them those with 4xx or 5xx. */
export type Flooded = { sent: number; refused: number; seconds: number; clientCores: number };

const CONNECTIONS = 64;

/** So many are made ahead; each is sent again and again. */
const MADE = 2_000;

/** Bytes, as `push_requests.ts` has them. */
const BODY = 128 + 103;

export async function flood(task: Flood): Promise<Flooded> {
  await Deno.mkdir(CACHE, { recursive: true });
  const script = join(CACHE, "flood.lua"), url = `http://127.0.0.1:${task.port}`;
  await Deno.writeTextFile(script, printScript(makeBogus(task)));
  const args = ["-t1", `-c${CONNECTIONS}`, `-d${task.seconds}s`, "--timeout", "10s", "-s", script, url];
  const { text, cores } = await runTimed("wrk", args).catch((thrown) => {
    throw new Error(`${thrown.message}: is wrk installed: apt-get install wrk`);
  });
  return { ...JSON.parse(text.trim().split("\n").at(-1)!), clientCores: cores };
}

const random = (bytes: number) =>
  crypto.getRandomValues(new Uint8Array(bytes)).toBase64({ alphabet: "base64url", omitPadding: true });

/** Half go to what does not exist, half are signed by nobody: the same claims and key with another signature. */
function makeBogus({ push, authorization }: Flood): { path: string; authorization: string }[] {
  const unknown = push.slice(0, push.lastIndexOf("/") + 1), length = push.length - unknown.length;
  return Array.from(
    { length: MADE },
    (_, index) =>
      index % 2 === 0
        ? { path: unknown + random(32).slice(0, length), authorization }
        : { path: push, authorization: authorization.replace(/\.[\w-]+, k=/, `.${random(64)}, k=`) },
  );
}

function printScript(bogus: { path: string; authorization: string }[]): string {
  const rows = bogus.map(({ path, authorization }) => `{${JSON.stringify(path)}, ${JSON.stringify(authorization)}}`);
  return `local bogus, requests, at = {${rows.join(",\n")}}, {}, 0
function init()
  for index, each in ipairs(bogus) do
    local headers = { TTL = "3600", ["Content-Encoding"] = "aes128gcm", Authorization = each[2] }
    requests[index] = wrk.format("POST", each[1], headers, string.rep("x", ${BODY}))
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary)
  io.write(string.format('\\n{"sent": %d, "refused": %d, "seconds": %f}\\n',
    summary.requests, summary.errors.status, summary.duration / 1e6))
end
`;
}
