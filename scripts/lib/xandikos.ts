/** A real Xandikos in a process of its own, from PyPI. */
import { freePort } from "./free_port.ts";
import { type Running, startProcess } from "./process.ts";
import { findPython } from "./python_install.ts";

export const XANDIKOS_VERSION = "0.4.10";

/** The Python that has it, installed at the first call. Throws why it cannot be had. */
export function findXandikos(): Promise<string> {
  return findPython("xandikos", XANDIKOS_VERSION);
}

/**
 * Starts it on a free port, with its data in `folder/data`, and makes the default collections of alice. It has no
 * authentication on an open port without TLS: whoever asks is alice.
 */
export async function launchXandikos(folder: string): Promise<Running & { url: string }> {
  const python = await findXandikos(), port = freePort();
  const folders = ["-d", `${folder}/data`, "--state-dir", folder];
  const address = ["-l", "127.0.0.1", "-p", `${port}`, "--current-user-principal", "/alice/"];
  const args = ["-m", "xandikos", "serve", "--no-detect-systemd", ...folders, ...address, "--defaults"];
  const running = startProcess(python, { args });
  try {
    await running.until(/Listening on/, 30_000);
  } catch (thrown) {
    await running.end();
    throw thrown;
  }
  return { ...running, url: `http://127.0.0.1:${port}` };
}
