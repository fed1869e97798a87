/** WsgiDAV: WebDAV of class 2 with every method and locks, and no calendars. */
import { findPython } from "../../lib/python_install.ts";
import { freePort } from "../../lib/free_port.ts";
import { type ServerKind, USER } from "../kinds.ts";
import { startServer } from "../programs.ts";

const VERSION = "4.4.0";
const LAUNCH = "from wsgidav.server.server_cli import run; run()";
const CHEROOT = "cheroot==11.1.2";

export const wsgidav: ServerKind = {
  name: "WsgiDAV",
  plain: true,
  find: async () => {
    await findPython("wsgidav", VERSION, CHEROOT);
    return VERSION;
  },
  start: async (folder) => {
    const port = freePort(), python = await findPython("wsgidav", VERSION, CHEROOT), config = `${folder}/wsgidav.json`;
    await Deno.mkdir(`${folder}/data`);
    await Deno.writeTextFile(config, JSON.stringify(settings(`${folder}/data`, port)));
    const running = await startServer(python, port, { args: ["-c", LAUNCH, "--config", config] });
    const home = "/";
    return {
      place: {
        origin: `http://127.0.0.1:${port}`,
        ...USER,
        root: home,
        calendars: home,
        contacts: home,
        files: home,
        plain: true,
      },
      [Symbol.asyncDispose]: async () => void await running.end(),
    };
  },
};

function settings(data: string, port: number) {
  return {
    host: "127.0.0.1",
    port,
    server: "cheroot",
    provider_mapping: { "/": data },
    http_authenticator: { accept_basic: true, accept_digest: false, default_to_digest: false },
    simple_dc: { user_mapping: { "*": { alice: { password: "alice" } } } },
    lock_storage: true,
    property_manager: true,
  };
}
