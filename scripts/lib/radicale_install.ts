/** Radicale itself, from PyPI. */
import { findPython } from "./python_install.ts";

/** The Python that has Radicale, installed at the first call. Throws why it cannot be had. */
export function findRadicale(): Promise<string> {
  return findPython("radicale", "3.9.0");
}
