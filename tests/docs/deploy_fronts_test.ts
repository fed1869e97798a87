/** docs/examples/deploy: nginx and Caddy as their files have them, in front of a worker. */
import { MAX_SET_BYTES } from "../../src/doors/events.ts";
import { equal, ok } from "../helpers/assert.ts";
import { fastClock } from "../helpers/clock.ts";
import { component } from "../helpers/component.ts";
import { openDeployed } from "../helpers/deployed.ts";
import { eventually } from "../helpers/eventually.ts";
import { caddy, findFront, nginx } from "../helpers/front.ts";
import { startProcess } from "../helpers/process.ts";
import { accessToken, securityEvent } from "../helpers/worker.ts";

const TOPIC = "https://cal.example.com/alice/work/";

/** Keep-alives come every quarter of a second. */
const clock = fastClock(60);

/** nginx gives up what is silent for three seconds; Caddy waits as long as it takes. Sixteen keep-alives are four. */
const impatient = (file: string) => file.replace("proxy_read_timeout 1h", "proxy_read_timeout 3s");
const KEEP_ALIVES = 16;

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
    await stream.until(new RegExp(`^[^]{${before}}(?:[^]*?\\nid: ){${KEEP_ALIVES}}`), 20_000);
  });

  test(`deploy: ${front.name}: where the worker is gone neither tokens nor addresses are written down`, async () => {
    const edit = (file: string) => file.replace("127.0.0.1:8411", "127.0.0.1:1");
    await using deployed = await openDeployed({ front, clock, edit });
    const secret = "s3cr3t-of-an-address";
    const address = `/-/push/push/${secret}?a=${secret}`, headers = { authorization: `Bearer ${secret}` };
    equal((await post(deployed, address, "hello", headers)).status, 502);
    await eventually("the request is logged", async () => /502/.test(await logOf(deployed)));
    const log = await logOf(deployed);
    ok(log.includes("/-/push") && !log.includes(secret), log);
  });

  test(`deploy: ${front.name}: the largest body that the worker takes arrives`, async () => {
    await using deployed = await openDeployed({ front, clock });
    const headers = { "content-type": "application/secevent+jwt" };
    const { status, text } = await post(deployed, "/-/events", "x".repeat(MAX_SET_BYTES), headers);
    equal([status, JSON.parse(text).err], [400, "invalid_request"]);
  });

  test(`deploy: ${front.name}: a body that is too large is answered so each time, however large`, async () => {
    await using deployed = await openDeployed({ front, clock });
    // nginx itself takes 1 MiB at most. Caddy sends on while we answer.
    for (const size of [100_000, 1_000_000, 5_000_000]) {
      equal(await postOften(deployed, "/-/events", size), Array(TIMES).fill("413"));
    }
  });
}

/** Enough for a race that is lost once in ten times. */
const TIMES = 30;

/** The statuses of as many posts by HTTP/1.1, by which each is on its way before the answer. */
async function postOften(deployed: Deployed, path: string, size: number): Promise<string[]> {
  const file = `${deployed.folder}/body`, statuses: string[] = [];
  await Deno.writeTextFile(file, "x".repeat(size));
  const headers = ["-H", "Expect:", "-H", "Content-Type: application/secevent+jwt"];
  const args = ["--http1.1", "-o", "/dev/null", "-w", "%{http_code}", ...headers, "--data-binary", `@${file}`];
  while (statuses.length < TIMES) {
    await using posting = curl(deployed, path, ...args);
    await posting.until(/^\d{3}/);
    statuses.push(posting.output.out);
  }
  return statuses;
}

const testNginx = await component("nginx", () => findFront(nginx));

testNginx("deploy: nginx: neither tokens nor addresses of the push service are written down", async () => {
  await using deployed = await openDeployed({ clock });
  await using listening = await listen(deployed);
  const secret = "s3cr3t-of-an-address";
  await post(deployed, `/-/push/push/${secret}?a=${secret}`, "hello", { authorization: `Bearer ${listening.token}` });
  await eventually("the request is logged", async () => / 404 /.test(await logOf(deployed)));
  const log = await logOf(deployed);
  ok(/^127\.0\.0\.1 \S+ POST \/-\/push 404 /m.test(log), log);
  for (const hidden of [secret, listening.token, "alice"]) ok(!log.includes(hidden), log);
});

/** By HTTP/2 as well. Not by curl, which takes an answer before the end of what it sends for an error. */
async function post({ url, ca }: Deployed, path: string, body: string, headers: Record<string, string>) {
  using client = Deno.createHttpClient({ caCerts: [ca] });
  const response = await fetch(url + path, { client, method: "POST", body, headers });
  return { status: response.status, text: await response.text() };
}

/** As a server does, by the front. */
async function ring(deployed: Deployed, sync: string): Promise<void> {
  const set = await securityEvent(deployed.worker, [{ topic: TOPIC, "sync-token": sync }]);
  equal((await post(deployed, "/-/events", set, { "content-type": "application/secevent+jwt" })).status, 202);
}
