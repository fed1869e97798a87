/** Each thing that can be wrong with a deployment is made wrong, and the doctor says what to do about that. */
import deno from "../../deno.json" with { type: "json" };
import { bearerOf, signerCredential } from "../../scripts/doctor/credential.ts";
import { CHECKS, type Finding } from "../../scripts/doctor/examine.ts";
import { checkTls } from "../../scripts/doctor/tls.ts";
import { makeCertificates } from "../../scripts/lib/certificates.ts";
import { findDenokv } from "../../scripts/lib/denokv_install.ts";
import { signerOf } from "../../scripts/lib/signer.ts";
import { readConfig } from "../../src/config.ts";
import { equal, ok } from "../helpers/assert.ts";
import { fastClock, jumpingClock } from "../helpers/clock.ts";
import { component } from "../helpers/component.ts";
import { ADMISSION, openDatabaseServer } from "../helpers/database_server.ts";
import { openDeployed } from "../helpers/deployed.ts";
import { deploymentFor, diagnose, said, TOPIC, unwell } from "../helpers/diagnosis.ts";
import { findFront, nginx } from "../helpers/front.ts";
import { keepPort } from "../helpers/keep_port.ts";
import { startMain } from "../helpers/main_process.ts";
import { helpOf, runScript } from "../helpers/process.ts";
import { accessToken, testWorker } from "../helpers/worker.ts";

/** Its keep-alives come thirty times as often. */
const clock = fastClock(30);

const PAGE = "https://app.example.com";

const test = await component("nginx", () => findFront(nginx));

test("doctor: a worker behind the nginx of the document is well", async () => {
  await using deployed = await openDeployed({ clock, env: { CARILLON_ORIGINS: PAGE } });
  const settings = readConfig({ CARILLON_CONTACT: "mailto:you@example.com" });
  const findings = await diagnose({ ...deployed, origin: PAGE, settings });
  equal(findings.map(({ check, status }) => `${check} ${status}`), [
    ...["names ok", "connections ok", "tls ok", "http2 ok", "healthy ok", "address ok", "clock ok", "keys ok"],
    ...["contact ok", "cors ok", "bodies ok", "ready ok", "database ok", "token ok", "stream ok", "ring ok"],
    "keep-alive ok",
  ]);
  ok(said(findings, "healthy").includes(`Carillon ${deno.version} answers`), said(findings, "healthy"));
});

test("doctor: the command says the same, as text and as JSON, and shows no token", async () => {
  await using deployed = await openDeployed({ clock, env: { CARILLON_ORIGINS: PAGE } });
  const { url, worker, folder } = deployed;
  const token = await accessToken(worker, { publish: [TOPIC], subscribe: [TOPIC] });
  const flags = ["--url", url, "--token", token, "--ca", `${folder}/ca.pem`];
  const well = await runScript("doctor", ["--", ...flags, "--origin", PAGE, "--json"]);
  const { url: named, status, checks } = JSON.parse(well.out);
  equal([well.code, well.err, named, checks.length], [0, "", url, CHECKS.length]);
  ok(status !== "fail" && checks.every((each: Finding) => each.check && each.measured), well.out);
  const ill = await runScript("doctor", [...flags, "--origin", "https://other.example.com"]);
  equal([ill.code, ill.err], [1, "doctor: cors failed: do as the advice says, and look again\n"]);
  ok(/^fail {2}cors .*\n +-> Add https:\/\/other\.example\.com to CARILLON_ORIGINS/m.test(ill.out), ill.out);
  ok(![well.out, ill.out].some((out) => out.includes(token)));
});

test("doctor: the command of the document works, with an authority that Deno trusts by DENO_CERT", async () => {
  await using deployed = await openDeployed({ clock });
  const { url, worker, folder } = deployed, document = await Deno.readTextFile("docs/deploy.md");
  const command = /^```sh doctor\n(.*?)^```/ms.exec(document)![1]!.replace("https://push.example.com", url);
  const TOKEN = await accessToken(worker, { publish: [TOPIC], subscribe: [TOPIC] });
  const env = { TOKEN, DENO_CERT: `${folder}/ca.pem`, NO_COLOR: "1" };
  const args = ["-e", "-c", command.replace("deno task", `${Deno.execPath()} task`)];
  const { code, stdout } = await new Deno.Command("bash", { args, env }).output();
  const out = new TextDecoder().decode(stdout);
  equal([code, out.match(/^fail/gm), /^ok {4}keep-alive /m.test(out)], [0, null, true], out);
});

Deno.test("doctor: --help shows every flag, and what is not understood exits with 2", async () => {
  const help = await helpOf("doctor");
  for (const flag of ["--url", "--token", "--key", "--issuer", "--topic", "--origin", "--ca", "--json"]) {
    ok(help.includes(flag), flag);
  }
  for (
    const flags of [["stray"], ["--url", "ftp://a"], ["--token", "no token"], ["--origin", "https://a/b"], [
      "--key",
      "k",
    ]]
  ) {
    const { code, err } = await runScript("doctor", ["--url", "http://localhost:1", ...flags]);
    equal([code, /no token"|secret/.test(err)], [2, false], err);
  }
});

test("doctor: a proxy that keeps a stream back is found, and told to buffer nothing", async () => {
  const buffering =
    "proxy_ignore_headers X-Accel-Buffering; proxy_buffering on; gzip on; gzip_types text/event-stream;";
  const edit = (file: string) => file.replace("gzip off;", "").replace("proxy_buffering off;", buffering);
  await using deployed = await openDeployed({ clock, edit });
  const findings = await diagnose(deployed);
  equal(unwell(findings), ["stream"]);
  ok(
    /^fail .* within 5000 ms .*proxy_buffering off and gzip off/.test(said(findings, "stream")),
    said(findings, "stream"),
  );
});

Deno.test("doctor: a proxy that begins a stream and keeps its events for later is found by the ring", async () => {
  const { serve: listen, port } = keepPort();
  await using front = serve((request) => passOn(request, port()));
  await using worker = await testWorker({ clock, serve: listen, env: { CARILLON_URL: front.url } });
  const findings = await diagnose({ url: front.url, worker });
  equal([findings.at(-1)!.check, unwell(findings)], ["ring", ["ring"]]);
  ok(/^fail .* accepted, and not heard within 5000 ms .*proxy_buffering off/.test(said(findings, "ring")));
});

/** Passes a request on to the worker, and of a stream no more than its first bytes until it ends. */
async function passOn(request: Request, port: number): Promise<Response> {
  const { pathname, search } = new URL(request.url), { method, headers } = request;
  const body = method === "POST" ? await request.text() : undefined;
  const response = await fetch(`http://127.0.0.1:${port}${pathname}${search}`, { method, headers, body });
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) return response;
  let chunks = 0;
  const first = new TransformStream({ transform: (chunk, out) => chunks++ === 0 ? out.enqueue(chunk) : undefined });
  return new Response(response.body!.pipeThrough(first), { headers: response.headers });
}

test("doctor: a proxy that ends quiet streams is found", async () => {
  const edit = (file: string) => file.replace("proxy_read_timeout 1h", "proxy_read_timeout 1s");
  await using deployed = await openDeployed({ clock: fastClock(5), edit });
  const findings = await diagnose(deployed);
  equal(unwell(findings), ["keep-alive"]);
  ok(
    /^fail .* was ended after .* proxy_read_timeout 1h/.test(said(findings, "keep-alive")),
    said(findings, "keep-alive"),
  );
});

test("doctor: a proxy with a limit below ours is found", async () => {
  await using deployed = await openDeployed({ clock, edit: (file) => file.replace("size 1m", "size 16k") });
  const found = said(await diagnose({ ...deployed, worker: undefined }), "bodies");
  ok(/^fail .* 413 of another server .*client_max_body_size 1m/.test(found), found);
});

test("doctor: HTTP/1.1 alone is worth a warning", async () => {
  await using deployed = await openDeployed({ clock, edit: (file) => file.replace(" ssl http2", " ssl") });
  const found = said(await diagnose({ ...deployed, worker: undefined }), "http2");
  ok(/^warn .* http\/1\.1 alone.*listen 443 ssl http2/.test(found), found);
});

test("doctor: CORS of a proxy beside ours is found, which browsers refuse", async () => {
  const edit = (file: string) => file.replace("gzip off;", `gzip off; add_header Access-Control-Allow-Origin ${PAGE};`);
  await using deployed = await openDeployed({ clock, edit, env: { CARILLON_ORIGINS: PAGE } });
  const found = said(await diagnose({ ...deployed, worker: undefined, origin: PAGE }), "cors");
  ok(/^fail .* something in front .*Remove the add_header/.test(found), found);
});

test("doctor: a proxy without its worker is found", async () => {
  await using deployed = await openDeployed({ clock, edit: (file) => file.replace("127.0.0.1:8411", "127.0.0.1:1") });
  const findings = await diagnose(deployed);
  equal(unwell(findings), ["healthy"]);
  ok(/^fail .* 502 of another server .*proxy_pass/.test(said(findings, "healthy")), said(findings, "healthy"));
});

const CERTIFICATES: [string, Parameters<typeof makeCertificates>, trusted: boolean, expected: RegExp][] = [
  ["expired", [[], ["127.0.0.1"], -1], true, /^fail .* expired on .*certbot renew/],
  ["about to expire", [[], ["127.0.0.1"], 3], true, /^warn .* ends on .*Renew it now/],
  ["for another host", [["push.example.net"], [], 90], true, /^fail .*Get a certificate for 127\.0\.0\.1/],
  ["of an unknown authority", [[], ["127.0.0.1"], 90], false, /^fail .* is not trusted.*fullchain\.pem.*--ca FILE/],
];

for (const [kind, wanted, trusted, expected] of CERTIFICATES) {
  test(`doctor: a certificate that is ${kind} is found`, async () => {
    await using deployed = await openDeployed({ clock, shown: await makeCertificates(...wanted) });
    const findings = await diagnose({ url: deployed.url, ca: trusted ? deployed.ca : undefined });
    ok(expected.test(said(findings, "tls")), said(findings, "tls"));
  });
}

Deno.test("doctor: TLS where there is none, and none where there should be, are found", async () => {
  await using worker = await testWorker({ clock });
  const found = said(await diagnose({ url: worker.url.replace("http:", "https:") }), "tls");
  ok(/^fail .*no TLS handshake.*listen 443 ssl/.test(found), found);
  const plain = await checkTls(deploymentFor({ url: "http://push.example.com" }));
  equal([plain.status, plain.advice?.includes("docs/deploy.md")], ["warn", true]);
});

Deno.test("doctor: a worker that takes itself for another is told its address", async () => {
  await using worker = await testWorker({ clock });
  const url = worker.url.replace("localhost", "127.0.0.1");
  const credential = bearerOf(await accessToken({ ...worker, url }, { publish: [TOPIC], subscribe: [TOPIC] }), TOPIC);
  const findings = await diagnose({ url, credential });
  ok(said(findings, "address").includes(`Set CARILLON_URL=${url} and`), said(findings, "address"));
  ok(/^fail .* 401 invalid_token/.test(said(findings, "stream")), said(findings, "stream"));
});

const TEN_MINUTES = 600_000;

for (const [direction, offset] of [["ahead", TEN_MINUTES], ["behind", -TEN_MINUTES]] as const) {
  Deno.test(`doctor: a worker whose clock is ten minutes ${direction} refuses, and the advice is NTP`, async () => {
    const late = jumpingClock();
    late.jump(offset);
    await using worker = await testWorker({ clock: late });
    const credential = await signerCredential(signerOf(worker.local), worker.url, TOPIC);
    const refusing = (await diagnose({ url: worker.url, credential })).at(-1)!;
    ok(refusing.status === "fail" && refusing.measured.includes("was refused"), refusing.measured);
    ok(refusing.advice?.includes("NTP"), `${refusing.check}: ${refusing.measured}: ${refusing.advice}`);
  });

  Deno.test(`doctor: an answer whose Date is ten minutes ${direction} is found`, async () => {
    const date = () => new Date(Date.now() + offset).toUTCString();
    await using server = serve(() => new Response("healthy\n", { headers: { date: date() } }));
    const findings = await diagnose({ url: server.url }), found = said(findings, "clock");
    ok(new RegExp(`^fail .* (599|600|601) s ${direction}.*NTP`).test(found), found);
    ok(said(findings, "healthy").includes("of an unknown version"));
  });
}

/** A server that is no worker. */
function serve(handler: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  return { url: `http://127.0.0.1:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

Deno.test("doctor: another server, and one that redirects, are told from a worker", async () => {
  await using other = serve(() => new Response("<h1>It works</h1>"));
  const found = said(await diagnose({ url: other.url }), "healthy");
  ok(/^fail .* 200 of another server .*lead this host to the worker/.test(found), found);
  await using moved = serve(() =>
    new Response(null, { status: 301, headers: { location: "https://push.example.com/" } })
  );
  const redirected = said(await diagnose({ url: moved.url }), "healthy");
  ok(/^fail .*It redirects/.test(redirected), redirected);
});

Deno.test("doctor: nobody at the port, and a name without an address, end it at once", async () => {
  const closed = await diagnose({ url: "http://127.0.0.1:1" });
  equal(closed.map(({ check }) => check), ["names", "connections"]);
  ok(/^fail .*refused.*systemctl status carillon/.test(said(closed, "connections")), said(closed, "connections"));
  const nameless = await diagnose({ url: "https://carillon.invalid" });
  equal(nameless.map(({ check }) => check), ["names"]);
  ok(/^fail .*Add an A or AAAA record for carillon\.invalid/.test(said(nameless, "names")), said(nameless, "names"));
});

Deno.test("doctor: without a token all else is looked at, and it says how to make one", async () => {
  await using worker = await testWorker({ clock });
  const findings = await diagnose({ url: worker.url });
  equal([unwell(findings), findings.at(-1)!.check], [[], "token"]);
  ok(
    said(findings, "token").includes(`deno task token --url ${worker.url} --publish ${TOPIC}`),
    said(findings, "token"),
  );
});

Deno.test("doctor: where the database beside it is what is broken, all else is looked at", async () => {
  await using worker = await testWorker({ clock });
  const { url } = worker, env = { CARILLON_URL: url, CARILLON_KV: "http://127.0.0.1:1", ...ADMISSION };
  const { out, code } = await runScript("doctor", [], env);
  equal([code, /^ok {4}ready /m.test(out), /^warn {2}contact /m.test(out), /^skip {2}token /m.test(out)], [
    0,
    true,
    true,
    true,
  ], out);
});

Deno.test("doctor: a token that cannot be right is told before it is used", async () => {
  await using worker = await testWorker({ clock });
  const { url, local } = worker, grants = { publish: [TOPIC], subscribe: [TOPIC] };
  const now = Math.floor(Date.now() / 1000);
  const tokens: [string, RegExp][] = [
    [await accessToken(worker, { ...grants, expires: now - 100 }), /it expired 1\d\d s ago/],
    [await accessToken({ url: "https://push.example.com", local }, grants), /it is for another worker/],
    ["nonsense", /it is for another worker/],
  ];
  for (const [token, expected] of tokens) {
    const findings = await diagnose({ url, credential: bearerOf(token, TOPIC) });
    equal(findings.at(-1)!.check, "token");
    ok(expected.test(said(findings, "token")), said(findings, "token"));
  }
});

Deno.test("doctor: a key rings by a SET; a token that may only listen is told what it lacks", async () => {
  await using worker = await testWorker({ clock });
  const { url } = worker, credential = await signerCredential(signerOf(worker.local), url, TOPIC);
  const rung = said(await diagnose({ url, credential }), "ring");
  ok(/^ok | 3 changes were heard/.test(rung) && rung.startsWith("ok"), rung);
  const listening = bearerOf(await accessToken(worker, { subscribe: [TOPIC] }), TOPIC);
  const lacking = said(await diagnose({ url, credential: listening }), "ring");
  ok(/^fail .* 403 insufficient_scope.*Ask for a token whose grants cover/.test(lacking), lacking);
});

const withDenokv = await component("denokv", findDenokv);

withDenokv("doctor: a database that does not answer is found, and nothing is rung", async () => {
  await using database = await openDatabaseServer();
  await using main = await startMain({ CARILLON_KV: database.url, ...ADMISSION });
  await database.kill();
  const findings = await diagnose({ url: main.url });
  equal(findings.at(-1)!.check, "ready");
  ok(
    /^fail .* 503 kv_.*See that the database of CARILLON_KV runs/.test(said(findings, "ready")),
    said(findings, "ready"),
  );
});
