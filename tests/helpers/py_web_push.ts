/** pywebpush, which Python's senders use, as a stranger that pushes: from PyPI, in the ignored folder .cache/. */
import { findPython } from "../../scripts/lib/python_install.ts";
import { askPython } from "./python_lines.ts";
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
  const lines = pushes.map(({ subscription, data, key = null, headers = {} }) =>
    JSON.stringify([subscription, data, key, headers])
  );
  try {
    return (await askPython(python, SEND, lines, { REQUESTS_CA_BUNDLE: ca })).map(Number);
  } finally {
    await Deno.remove(ca);
  }
}
