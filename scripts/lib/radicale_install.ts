/** Radicale itself, from PyPI. */
import { findPython } from "./python_install.ts";

/** The version that the hook is written for. */
export const RADICALE_VERSION = "3.9.0";

/** The Python that has Radicale, installed at the first call. Throws why it cannot be had. */
export function findRadicale(): Promise<string> {
  return findPython("radicale", RADICALE_VERSION);
}
