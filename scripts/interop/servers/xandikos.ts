import { findXandikos, launchXandikos, XANDIKOS_VERSION } from "../../lib/xandikos.ts";
import { type ServerKind, USER } from "../kinds.ts";
import { untilItAnswers } from "../programs.ts";

export const xandikos: ServerKind = {
  name: "Xandikos",
  find: async () => {
    await findXandikos();
    return XANDIKOS_VERSION;
  },
  start: async (folder) => {
    const running = await launchXandikos(folder);
    await untilItAnswers(running, running.url);
    return {
      place: {
        origin: running.url,
        ...USER,
        root: "/",
        calendars: "/alice/calendars/",
        contacts: "/alice/contacts/",
        files: "/alice/",
      },
      [Symbol.asyncDispose]: async () => void await running.end(),
    };
  },
};
