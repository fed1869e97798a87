/** docs/examples/deploy: nginx and Caddy as their files have them, in front of a worker. */
import { equal, ok } from "../helpers/assert.ts";
import { fastClock } from "../helpers/clock.ts";
import { component } from "../helpers/component.ts";
import { openDeployed } from "../helpers/deployed.ts";
import { eventually } from "../helpers/eventually.ts";
import { caddy, findFront, type Front, nginx } from "../helpers/front.ts";
import { startProcess } from "../helpers/process.ts";
import { accessToken, securityEvent } from "../helpers/worker.ts";

const TOPIC = "https://cal.example.com/alice/work/";

/** Keep-alives come every half second. */
const clock = fastClock(30);

/** nginx gives up what is silent for twice as long; Caddy waits as long as it takes. */
const impatient = (file: string) => file.replace("proxy_read_timeout 1h", "proxy_read_timeout 1s");

type Deployed = Awaited<ReturnType<typeof openDeployed>>;

/** curl, which says of each answer which HTTP it was. */
function curl({ folder, url }: Deployed, path: string, ...args: string[]) {
  return startProcess("curl", { args: ["-sSN", "--http2", "--cacert", `${folder}/ca.pem`, ...args, url + path] });
}

async function listen(deployed: Deployed) {
  const token = await accessToken(deployed.worker, { subscribe: [TOPIC] });
  const stream = curl(deployed, `/.well-known/mercure?match=${TOPIC}`, "-i", "-H", `Authorization: Bearer ${token}`);
  await stream.until(/^id: /m);
  return { token, stream, [Symbol.asyncDispose]: async () => void await stream.end() };
}

/** What the front has written down so far. */
async function logOf({ folder, running }: Deployed): Promise<string> {
  const files = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  const logs = files.filter((name) => name.endsWith(".log")).map((name) => Deno.readTextFile(`${folder}/${name}`));
  return [running.output.err, ...await Promise.all(logs)].join("\n");
}

for (const front of [nginx, caddy]) {
  const test = await component(`${front.name} and curl`, async () => {
    await new Deno.Command("curl", { args: ["--version"], stdout: "null" }).output();
    return await findFront(front);
  });

  test(`deploy: ${front.name}: an event arrives at once over HTTP/2, and a quiet stream stays`, async () => {
    await using deployed = await openDeployed({ front, clock, edit: impatient });
    await using listening = await listen(deployed);
    const { stream } = listening;
    ok(/^HTTP\/2 200/.test(stream.output.out), stream.output.out);
    for (const sync of ["s-1", "s-2", "s-3"]) {
      await ring(deployed, sync);
      // Each before the next is sent, so in no bunch.
      await stream.until(new RegExp(`"sync-token":"${sync}"`));
    }
    const before = stream.output.out.length;
    await stream.until(new RegExp(`^[^]{${before}}(?:[^]*?\\nid: ){4}`), 20_000);
  });

  test(`deploy: ${front.name}: where the worker is gone neither tokens nor addresses are written down`, async () => {
    const edit = (file: string) => file.replace("127.0.0.1:8411", "127.0.0.1:1");
    await using deployed = await openDeployed({ front, clock, edit });
    const secret = "s3cr3t-of-an-address";
    const asked = curl(
      deployed,
      `/-/push/push/${secret}`,
      "-d",
      "hello",
      "-H",
      `Authorization: Bearer ${secret}`,
      "-i",
    );
    await asked.ended;
    ok(/^HTTP\/2 502/.test(asked.output.out), asked.output.out + asked.output.err);
    await eventually("the request is logged", async () => /502/.test(await logOf(deployed)));
    const log = await logOf(deployed);
    ok(log.includes("/-/push") && !log.includes(secret), log);
  });

  test(`deploy: ${front.name}: what is too large for the worker is refused by it, and not by the front`, async () => {
    await using deployed = await openDeployed({ front, clock });
    const file = `${deployed.folder}/body`, type = ["-H", "Content-Type: application/secevent+jwt"];
    await Deno.writeTextFile(file, "x".repeat(64 * 1024));
    // curl takes the end of an answer to a body that was not read for an error of HTTP/2.
    const asked = curl(deployed, "/-/events", "--http1.1", "--data-binary", `@${file}`, ...type);
    await asked.ended;
    ok(asked.output.out.includes('"code":"too_large"'), asked.output.out + asked.output.err);
  });
}

const testNginx = await component("nginx", () => findFront(nginx));

testNginx("deploy: nginx: neither tokens nor addresses of the push service are written down", async () => {
  await using deployed = await openDeployed({ clock });
  await using listening = await listen(deployed);
  const secret = "s3cr3t-of-an-address";
  await curl(
    deployed,
    `/-/push/push/${secret}?a=${secret}`,
    "-d",
    "hello",
    "-H",
    `Authorization: Bearer ${listening.token}`,
  ).ended;
  await eventually("the request is logged", async () => / 404 /.test(await logOf(deployed)));
  const log = await logOf(deployed);
  ok(/^127\.0\.0\.1 \S+ POST \/-\/push 404 /m.test(log), log);
  for (const hidden of [secret, listening.token, "alice"]) ok(!log.includes(hidden), log);
});

/** As a server does, by the front. */
async function ring(deployed: Deployed, sync: string): Promise<void> {
  const set = await securityEvent(deployed.worker, [{ topic: TOPIC, "sync-token": sync }]);
  const type = ["-H", "Content-Type: application/secevent+jwt"];
  const asked = curl(
    deployed,
    "/-/events",
    "--data-binary",
    set,
    ...type,
    "-w",
    "%{http_code} by HTTP/%{http_version}",
  );
  await asked.ended;
  equal(asked.output.out, "202 by HTTP/2");
}
