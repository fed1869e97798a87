/** pywebpush, which Python's senders use, as a stranger that pushes: from PyPI, in the ignored folder .cache/. */
import { findPython } from "../../scripts/lib/python_install.ts";
import { certificates } from "./certificates.ts";

const SEND = `
import faulthandler, json, sys
from pywebpush import webpush, WebPushException
faulthandler.dump_traceback_later(30, exit=True)
for line in sys.stdin:
    subscription, data, key, headers = json.loads(line)
    claims = {"sub": "mailto:python@dav.example"} if key else None
    try:
        answer = webpush(subscription, data, vapid_private_key=key, vapid_claims=claims, ttl=60, headers=headers)
        print(answer.status_code)
    except WebPushException as error:
        print(error.response.status_code)
`;

export type PyPush = {
  subscription: { endpoint: string; keys: { p256dh: string; auth: string } };
  data: string;
  /** The private key of VAPID, 32 bytes in base64url; without one nobody signs. */
  key?: string;
  headers?: Record<string, string>;
};

/** The Python that has it. Throws why it cannot be had. */
export function findPyWebPush(): Promise<string> {
  return findPython("pywebpush", "2.5.0");
}

/** Sends each, and answers the statuses. It trusts the authority of the tests. Throws where it is after half a minute. */
export async function pushByPython(python: string, pushes: PyPush[]): Promise<number[]> {
  const ca = await Deno.makeTempFile({ suffix: ".pem" });
  await Deno.writeTextFile(ca, certificates.ca);
  const env = { REQUESTS_CA_BUNDLE: ca };
  const child = new Deno.Command(python, { args: ["-c", SEND], env, stdin: "piped", stdout: "piped", stderr: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  const lines = pushes.map(({ subscription, data, key = null, headers = {} }) =>
    `${JSON.stringify([subscription, data, key, headers])}\n`
  );
  await writer.write(new TextEncoder().encode(lines.join("")));
  await writer.close();
  const { stdout, stderr, success } = await child.output();
  await Deno.remove(ca);
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trimEnd().split("\n").map(Number);
}
