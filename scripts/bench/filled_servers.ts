/** DAV servers with a calendar of many events, written straight into what they keep: over HTTP that takes minutes. */
import { join } from "node:path";
import { printEvent } from "../lib/calendar.ts";
import { launchRadicale } from "../lib/radicale.ts";
import { freshFolder } from "./paths.ts";
import { CALENDAR, startXandikos } from "./xandikos.ts";

/** `path` is the calendar's, `login` what curl needs to read it. */
export type Filled = { name: string; url: string; path: string; login: string[] } & AsyncDisposable;

const COMMIT = "git add . && git -c user.name=bench -c user.email=bench@localhost commit --quiet --message events";

export async function fillXandikos(members: number): Promise<Filled> {
  const xandikos = await startXandikos(), folder = join(xandikos.folder, CALENDAR);
  await writeEvents(folder, members);
  const { success } = await new Deno.Command("sh", { args: ["-c", COMMIT], cwd: folder }).output();
  if (!success) throw new Error(`events were not committed, is git installed: ${folder}`);
  return { ...xandikos, name: "xandikos", path: CALENDAR, login: [] };
}

export async function fillRadicale(members: number): Promise<Filled> {
  const folder = await freshFolder("radicale"), calendar = join(folder, "data/collection-root/alice/work");
  await Deno.mkdir(calendar, { recursive: true });
  await Deno.writeTextFile(join(calendar, ".Radicale.props"), '{"tag": "VCALENDAR"}');
  await writeEvents(calendar, members);
  const { url, end } = await launchRadicale({ folder });
  return { name: "radicale", url, path: "/alice/work/", login: ["-u", "alice:alice"], [Symbol.asyncDispose]: stop };

  async function stop(): Promise<void> {
    await end();
    await Deno.remove(folder, { recursive: true });
  }
}

async function writeEvents(folder: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await Deno.writeTextFile(join(folder, `event-${n}.ics`), printEvent(`event-${n}`, `${n}`));
  }
}
