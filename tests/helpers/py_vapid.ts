/** py-vapid, Mozilla's own, as a second opinion on who signed: from PyPI, in the ignored folder .cache/. */
import { findPython } from "../../scripts/lib/python_install.ts";
import { askPython } from "./python_lines.ts";

const VERIFY = `
import sys
from py_vapid import Vapid02
for line in sys.stdin:
    try:
        print("good" if Vapid02.verify(line.strip()) else "bad signature")
    except Exception as error:
        print(type(error).__name__)
`;

/** The Python that has it. Throws why it cannot be had. */
export function findPyVapid(): Promise<string> {
  return findPython("py-vapid", "1.9.6");
}

/** Its verdict on each `Authorization`: `good`, or what is wrong. */
export async function verdictsOf(python: string, headers: string[]): Promise<string[]> {
  // It does not know the space that RFC 9110 5.6.1 allows between two parameters.
  return await askPython(python, VERIFY, headers.map((header) => header.replace(", k=", ",k=")));
}
