/** The Python library of Standard Webhooks as a second opinion on what was signed: from PyPI, in the ignored folder .cache/. */
import { findPython } from "../../scripts/lib/python_install.ts";
import { askPython } from "./python_lines.ts";

const VERIFY = `
import json, sys
from standardwebhooks.webhooks import Webhook
for line in sys.stdin:
    secret, headers, body = json.loads(line)
    try:
        Webhook(secret).verify(body, headers)
        print("good")
    except Exception as error:
        print(type(error).__name__)
`;

/** A message as it came. */
export type Raw = { headers: Record<string, string>; body: string };

/** The Python that has it. Throws why it cannot be had. */
export function findPyWebhook(): Promise<string> {
  return findPython("standardwebhooks", "1.1.0");
}

/** Its verdict on each message by a secret: `good`, or what is wrong. */
export async function webhookVerdicts(python: string, messages: [secret: string, message: Raw][]): Promise<string[]> {
  const lines = messages.map(([secret, { headers, body }]) => JSON.stringify([secret, headers, body]));
  return await askPython(python, VERIFY, lines);
}
