/** The receiver of docs/push-service.md, bundled as the document says and run by Node, which has none of Deno. */
import webPush from "web-push";
import { component } from "../helpers/component.ts";
import { equal } from "../helpers/assert.ts";
import { startProcess } from "../helpers/process.ts";
import { accessToken, testWorker } from "../helpers/worker.ts";

const withNode = await component("Node 20", async () => {
  const { stdout } = await new Deno.Command("node", { args: ["--version"] }).output();
  return Number(/^v(\d+)/.exec(new TextDecoder().decode(stdout))?.[1]) >= 20 || undefined;
});

/** The example in a folder of its own, beside the bundle. */
async function makeExample(url: string): Promise<string> {
  const folder = await Deno.makeTempDir(), document = await Deno.readTextFile("docs/push-service.md");
  const args = ["bundle", "--quiet", "--platform", "browser", "-o", `${folder}/receiver.js`, "src/client/receiver.ts"];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const example = /```js receiver\n(.*?)```/s.exec(document)![1]!.replace("http://localhost:8411", url);
  await Deno.writeTextFile(`${folder}/example.mjs`, example);
  await Deno.writeTextFile(`${folder}/package.json`, '{"type":"module"}');
  return folder;
}

withNode("push service: the receiver of the document hears in Node what the web-push package sends", async () => {
  await using worker = await testWorker();
  const folder = await makeExample(worker.url), env = { TOKEN: await accessToken(worker, {}) };
  await using node = startProcess("node", { args: ["example.mjs"], cwd: folder, env });
  const [line] = await node.until(/^\{.*\}$/m);
  // The package itself sends by https alone.
  const { method, headers, body, endpoint } = webPush.generateRequestDetails(JSON.parse(line), "heard in Node", {
    TTL: 60,
  });
  const sent = await fetch(endpoint, {
    method,
    headers: headers as Record<string, string>,
    body: new Uint8Array(body),
  });
  equal([sent.status, await sent.text()], [201, ""]);
  await node.until(/^heard in Node$/m);
  equal(node.output.err, "");
  await node.end();
  await Deno.remove(folder, { recursive: true });
});
