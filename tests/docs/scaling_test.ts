/** docs/scaling.md: denokv and a worker by the commands that stand there. */
import { findDenokv } from "../../scripts/lib/denokv_install.ts";
import { freePort } from "../../scripts/lib/free_port.ts";
import { equal, ok } from "../helpers/assert.ts";
import { component } from "../helpers/component.ts";
import { documentOf } from "../helpers/document.ts";
import { startMain } from "../helpers/main_process.ts";
import { startProcess } from "../helpers/process.ts";

const HOST = Deno.env.get("CARILLON_DENOKV_HOST") ?? "127.0.0.1";
const TOKEN = "a-token-of-the-test";

const document = await documentOf("docs/scaling.md");
const withDenokv = await component("denokv", findDenokv);

withDenokv("scaling: by the document's commands denokv listens, and a worker is ready on it", async (denokv) => {
  const [install, ...serve] = document.textOf("sh database").split("\n"), folder = await Deno.makeTempDir();
  ok(denokv.includes(`/denokv-${/--version (\S+) --locked$/.exec(install!)![1]}/`), install);
  const command = serve.join("\n").replace("denokv", `exec ${denokv}`)
    .replace("/var/lib/carillon", folder).replace("10.0.0.5:4512", `${HOST}:0`);
  const env = { DENO_KV_ACCESS_TOKEN: TOKEN, RUST_LOG: "info" };
  await using database = startProcess("bash", { args: ["-ec", command], env });
  const [, port] = await database.until(/Listening on http:\/\/\S+:(\d+)/);

  const { CARILLON_KV, ...settings } = Object.fromEntries(
    [...document.textOf("sh worker").matchAll(/([A-Z_]+)=(\S+)/g)].map(([, name, value]) => [name!, value!]),
  );
  equal(Object.keys(settings), ["CARILLON_URL", "DENO_KV_ACCESS_TOKEN"]);
  const kv = CARILLON_KV!.replace("10.0.0.5:4512", `${HOST}:${port}`), PORT = `${freePort()}`;
  await using worker = await startMain({ ...settings, CARILLON_KV: kv, DENO_KV_ACCESS_TOKEN: TOKEN, PORT });
  const ready = await fetch(`http://127.0.0.1:${PORT}/-/ready`);
  equal([ready.status, await ready.text()], [200, "ready\n"]);
  await worker.end("SIGTERM");
  await database.end();
  await Deno.remove(folder, { recursive: true });
});
