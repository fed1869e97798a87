import { launchRadicale } from "../../lib/radicale.ts";
import { findRadicale, RADICALE_VERSION } from "../../lib/radicale_install.ts";
import { type ServerKind, USER } from "../kinds.ts";

// `owner_only` refuses plain collections at the depth of calendars, which litmus makes.
const RIGHTS = "[all]\nuser: .+\ncollection: .*\npermissions: RrWw\n";

export const radicale: ServerKind = {
  name: "Radicale",
  find: async () => {
    await findRadicale();
    return RADICALE_VERSION;
  },
  start: async (folder) => {
    await Deno.writeTextFile(`${folder}/rights`, RIGHTS);
    const config = { rights: { type: "from_file", file: `${folder}/rights` } };
    const running = await launchRadicale({ folder, config }, ["alice"]);
    const home = "/alice/";
    return {
      place: {
        origin: running.url,
        ...USER,
        root: "/",
        calendars: home,
        contacts: home,
        files: home,
      },
      [Symbol.asyncDispose]: async () => void await running.end(),
    };
  },
};
