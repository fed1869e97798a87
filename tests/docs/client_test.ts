/** The client library as docs/client.md says: built as a package, and its example run by Node, which has none of Deno. */
import { gzipSync } from "node:zlib";
import ts from "typescript";
import { relayPush, webPush } from "../../src/client/mod.ts";
import { systemPace } from "../../src/client/pace.ts";
import { failsAs } from "../helpers/receiver_error.ts";
import { walkSync } from "../helpers/walk.ts";
import { printEvent } from "../../scripts/lib/calendar.ts";
import { equal, ok } from "../helpers/assert.ts";
import { certificates } from "../helpers/certificates.ts";
import { component } from "../helpers/component.ts";
import { startProcess } from "../helpers/process.ts";
import { findRadicale } from "../helpers/radicale.ts";
import { openWatchRig } from "../helpers/watch_rig.ts";
import { accessToken } from "../helpers/worker.ts";

const document = await Deno.readTextFile("docs/client.md");
const exampleOf = (name: string) => new RegExp("```js " + name + "\\n(.*?)```", "s").exec(document)![1]!;

/** Bytes of all modules, packed: what a page loads at most. */
const LIGHT = 32 * 1024;

const withNode = await component("Node 20 with Radicale", async () => {
  const { stdout } = await new Deno.Command("node", { args: ["--version"] }).output();
  await findRadicale();
  return Number(/^v(\d+)/.exec(new TextDecoder().decode(stdout))?.[1]) >= 20 || undefined;
});

/** Names that the types of Node 20 (`@types/node`) have, as those of a browser do. */
const IN_NODE = ["AbortController", "AbortSignal", "Headers", "RequestInit", "Response", "crypto"];

/** An app that has installed the package. */
async function makeApp(): Promise<{ folder: string; built: string }> {
  const folder = await Deno.makeTempDir(), built = `${folder}/node_modules/carillon-client`;
  const args = ["task", "--quiet", "build:npm", built];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  await Deno.writeTextFile(`${folder}/app.mjs`, exampleOf("watch"));
  await Deno.writeTextFile(`${folder}/ca.pem`, certificates.ca);
  return { folder, built };
}

withNode(
  "client library: built as a package it is light, imports nothing, and Node is told of a change by the example",
  async () => {
    const { folder, built } = await makeApp();
    checkPackage(built);
    await using rig = await openWatchRig();
    const env = {
      DAV: `${rig.front.url}/alice/work/`,
      USER: "alice",
      PASSWORD: "alice",
      CARILLON: rig.front.url,
      TOKEN: await accessToken(rig.worker, {}),
      NODE_EXTRA_CA_CERTS: `${folder}/ca.pem`,
    };
    await using node = startProcess("node", { args: ["app.mjs"], cwd: folder, env });
    await node.until(/^state push$/m);
    await rig.write("/alice/work/one.ics", printEvent("one", "One"));
    const token = await rig.tokenOf("/alice/work/");
    await node.until(new RegExp(`^changed \\S+/alice/work/ ${token}$`, "m"));
    equal(node.output.err, "");
    await node.end("SIGINT");
    await Deno.remove(folder, { recursive: true });
  },
);

Deno.test("client library: the service worker of the document passes on what it hears, to the pages of its scope", async () => {
  const scope = "https://app.example/", listeners = new Map<string, (event: unknown) => void>();
  const self = { registration: { scope }, addEventListener: listeners.set.bind(listeners) };
  new Function("self", "relayPush", exampleOf("worker").replace(/^import .*$/m, ""))(self, relayPush);
  const { promise: opened, resolve: onOpen } = Promise.withResolvers<void>(), texts: string[] = [];
  const open = webPush(() => Promise.resolve(registrationOf(scope)));
  const channel = await open({ vapidKey: "BAAA", topics: [] }, systemPace);
  const heard = channel!.hear({
    signal: new AbortController().signal,
    onOpen,
    onFault: () => {},
    onMessage: (text) => {
      texts.push(text);
      listeners.get("pushsubscriptionchange")!({ type: "pushsubscriptionchange" });
    },
  });
  await opened;
  listeners.get("push")!({ type: "push", data: { text: () => "hello" } });
  await failsAs("gone", heard);
  equal(texts, ["hello"]);
});

/** A service worker's, with a subscription. */
function registrationOf(scope: string) {
  const subscription = { toJSON: () => ({ endpoint: "https://push.example/", keys: { p256dh: "", auth: "" } }) };
  let current: typeof subscription | null = null;
  const pushManager = {
    permissionState: () => Promise.resolve("granted"),
    getSubscription: () => Promise.resolve(current),
    subscribe: () => Promise.resolve(current = subscription),
  };
  return { scope, pushManager };
}

function checkPackage(built: string): void {
  const modules = [...walkSync(`${built}/dist`)].filter((path) => path.endsWith(".js"));
  const texts = modules.map((path) => Deno.readTextFileSync(path));
  const imported = texts.flatMap((text) =>
    [...text.matchAll(/\b(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, from]) => from!)
  );
  ok(imported.length > 20 && imported.every((from) => /^\.\.?\/.*\.js$/.test(from)), imported.join(" "));
  const packed = gzipSync(texts.join("\n")).byteLength;
  ok(packed < LIGHT, `${packed} bytes`);
  const { name, sideEffects, dependencies, exports } = JSON.parse(Deno.readTextFileSync(`${built}/package.json`));
  equal([name, sideEffects, dependencies], ["carillon-client", false, undefined]);
  equal(unknownNames(`${built}/dist/mod.d.ts`).filter((name) => !IN_NODE.includes(name)), []);
  for (const { types, default: main } of Object.values<{ types: string; default: string }>(exports)) {
    ok([types, main].every((path) => Deno.statSync(`${built}/${path}`).isFile));
  }
}

/** What the package's types need beside the language: an app of Node has none of the DOM's. */
function unknownNames(path: string): string[] {
  const options = { lib: ["lib.es2023.d.ts"], types: [], target: ts.ScriptTarget.ES2022, noEmit: true, strict: true };
  const faults = ts.getPreEmitDiagnostics(ts.createProgram([path], options));
  return faults.map(({ messageText }) => /'(\w+)'/.exec(ts.flattenDiagnosticMessageText(messageText, ""))?.[1] ?? "?");
}
