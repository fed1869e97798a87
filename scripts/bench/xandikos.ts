/** Xandikos, a CalDAV server of Python that is quick to answer. */
import { join } from "node:path";
import { startProcess } from "../lib/process.ts";
import { findPython } from "../lib/python_install.ts";
import { freePort, listening } from "./free_port.ts";
import { freshFolder } from "./paths.ts";

/** A calendar that it makes by itself. */
export const CALENDAR = "/alice/calendars/calendar/";

/** `folder` is what it keeps in git. */
export type Xandikos = { url: string; pid: number; folder: string } & AsyncDisposable;

export async function startXandikos(): Promise<Xandikos> {
  const python = await findPython("xandikos", "0.4.10");
  const home = await freshFolder("xandikos"), port = freePort(), folder = join(home, "data");
  for (const name of ["data", "state"]) await Deno.mkdir(join(home, name));
  const address = ["-l", "127.0.0.1", "-p", `${port}`, "--current-user-principal", "/alice/"];
  const folders = ["-d", folder, "--state-dir", join(home, "state")];
  const args = ["-m", "xandikos", "serve", "--no-detect-systemd", ...address, ...folders, "--defaults"];
  const running = startProcess(python, { args });
  await running.until(/Listening on/, 30_000);
  await listening(port, "Xandikos");
  return { url: `http://127.0.0.1:${port}`, pid: running.pid, folder, [Symbol.asyncDispose]: stop };

  async function stop(): Promise<void> {
    await running.end();
    await Deno.remove(home, { recursive: true });
  }
}
