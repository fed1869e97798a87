/** python-caldav, the library of many scripts and of Home Assistant. */
import { findPython } from "../../lib/python_install.ts";
import { createNormaliser } from "../compare.ts";
import type { ClientKind, Step } from "../kinds.ts";
import { mustRun } from "../programs.ts";

const VERSION = "3.6.0";
const DAY = new URL("caldav_day.py", import.meta.url).pathname;

export const pythonCaldav: ClientKind = {
  name: "python-caldav",
  needsCollections: true,
  find: async () => {
    await findPython("caldav", VERSION);
    return VERSION;
  },
  run: async (place, folder) => {
    const python = await findPython("caldav", VERSION), normalise = createNormaliser(place);
    const args = [DAY, place.origin + place.root, place.user, place.password];
    // Its own settings, in a home folder, would lead it elsewhere.
    const out = await mustRun(python, args, { cwd: folder, env: { HOME: folder } });
    const steps = out.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Step);
    return steps.map((step) => ({ ...step, lines: step.lines.map(normalise) }));
  },
};
