import { findPython } from "../../lib/python_install.ts";
import { type ServerKind, USER } from "../kinds.ts";
import { freePort, startServer } from "../programs.ts";

const VERSION = "0.4.10";

// It has no authentication on an open port without TLS: whoever asks is alice.
export const xandikos: ServerKind = {
  name: "Xandikos",
  find: async () => {
    await findPython("xandikos", VERSION);
    return VERSION;
  },
  start: async (folder) => {
    const port = freePort(), python = await findPython("xandikos", VERSION);
    const args = ["-m", "xandikos", "serve", "--no-detect-systemd", "-d", `${folder}/data`, "--state-dir", folder];
    const where = ["-l", "127.0.0.1", "-p", `${port}`, "--current-user-principal", "/alice/", "--defaults"];
    const running = await startServer(python, port, { args: [...args, ...where] });
    return {
      place: {
        origin: `http://127.0.0.1:${port}`,
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
