/** The receiver of docs/push-service.md, bundled as the document says and run by Node, which has none of Deno. */
import webPush from "web-push";
import { component } from "../helpers/component.ts";
import { equal } from "../helpers/assert.ts";
import { documentOf } from "../helpers/document.ts";
import { startProcess } from "../helpers/process.ts";
import { accessToken, testWorker } from "../helpers/worker.ts";

const withNode = await component("Node 20", async () => {
  const { stdout } = await new Deno.Command("node", { args: ["--version"] }).output();
  return Number(/^v(\d+)/.exec(new TextDecoder().decode(stdout))?.[1]) >= 20 || undefined;
});

/** The example in a folder of its own, beside the bundle. */
async function makeExample(url: string): Promise<string> {
  const folder = await Deno.makeTempDir(), document = await documentOf("docs/push-service.md");
  const replace = { "npx -y deno@2.9.6": Deno.execPath(), "receiver.js src": `${folder}/receiver.js src` };
  await document.runText(document.textOf("sh bundle"), { folder: Deno.cwd(), replace });
  const example = document.textOf("js receiver").replace("http://localhost:8411", url);
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
