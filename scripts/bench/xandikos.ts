/** Xandikos, a CalDAV server of Python that is quick to answer. */
import { join } from "node:path";
import { launchXandikos } from "../lib/xandikos.ts";
import { freshFolder } from "./paths.ts";

/** A calendar that it makes by itself. */
export const CALENDAR = "/alice/calendars/calendar/";

/** `folder` is what it keeps in git. */
export type Xandikos = { url: string; pid: number; folder: string } & AsyncDisposable;

export async function startXandikos(): Promise<Xandikos> {
  const home = await freshFolder("xandikos"), running = await launchXandikos(home);
  return { url: running.url, pid: running.pid, folder: join(home, "data"), [Symbol.asyncDispose]: stop };

  async function stop(): Promise<void> {
    await running.end();
    await Deno.remove(home, { recursive: true });
  }
}
