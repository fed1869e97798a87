import { backOff } from "../../scripts/lib/back_off.ts";
import { readItems } from "../../scripts/lib/event_items.ts";
import { freePort } from "../../scripts/lib/free_port.ts";
import { equal, ok } from "../helpers/assert.ts";
import { makePlace } from "../helpers/main_database.ts";
import { helpOf, type Running, runScript, startProcess, startScript } from "../helpers/process.ts";
import { accessToken, publish, ring } from "../helpers/worker.ts";

const lines = ({ output }: Running) => output.out.trim().split("\n");

Deno.test("listen: --help shows every flag", async () => {
  const help = await helpOf("listen");
  for (const flag of ["--json", "--since", "--exec", "--url", "--token"]) ok(help.includes(flag), flag);
});

Deno.test("listen: over a kill of the worker it says so, resumes, and shows every event once and in order", async () => {
  await using place = await makePlace();
  const main = await place.start();
  const worker = { url: main.url, local: await place.localIssuer() };
  await using listening = startScript("listen", ["https://c.example/*", "b"], main.env);
  await listening.until(/^connected to http/m);
  await ring(worker, { topic: "https://c.example/a/", "sync-token": "s-1" }, { topic: "b", data: "1" });
  await listening.until(/data=1\n/);
  await main.end("SIGKILL");
  await listening.until(/^disconnected, .*; trying again in \d+ ms$/m);
  await using again = await place.start(main.port);
  await ring(worker, { topic: "elsewhere" }, { topic: "b", data: "2" });
  await listening.until(/data=2\n/);
  await ring(worker, { topic: "b", data: "3", priority: 90 });
  await listening.until(/data=3\n/);
  ok(/^connected to .*^disconnected.*^connected to /ms.test(listening.output.err), listening.output.err);
  equal(lines(listening).map((line) => line.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +/, "")), [
    "https://c.example/a/  content sync-token=s-1",
    "b  content data=1",
    "b  content data=2",
    "b  content priority=90 data=3",
  ]);
  equal((await listening.end("SIGINT")).code, 0);
  await again.end();
});

Deno.test("listen: the two commands that a worker prints work as they are pasted", async () => {
  await using place = await makePlace();
  await using main = await place.start();
  const [listen, ring] = main.log.out.split("\n").map((line) => line.trim())
    .filter((line) => line.startsWith("npx ")).map((line) =>
      line.replace("npx -y deno@2.9.6", `exec ${Deno.execPath()}`)
    );
  const env = { ...place.env, NO_COLOR: "1" };
  await using listening = startProcess("sh", { args: ["-c", listen!], env });
  await listening.until(/^connected/m);
  equal((await startProcess("sh", { args: ["-c", ring!], env }).ended).code, 0);
  await listening.until(/https:\/\/example\.com\/calendars\/alice\/work\/ +content\n/);
  equal((await listening.end("SIGINT")).code, 0);
});

Deno.test("listen: --exec runs its command for each event in turn, and no text of an event is run", async () => {
  await using place = await makePlace();
  await using main = await place.start();
  const worker = { url: main.url, local: await place.localIssuer() };
  const hostile = "$(touch run)`touch run`;touch run";
  const show = 'echo "begin $CARILLON_TOPIC $CARILLON_EVENT_ID"; cat; echo "end"; exit 3';
  await using listening = startScript("listen", ["*", "--json", "--exec", show], main.env);
  await listening.until(/^connected/m);
  await ring(worker, ...[hostile, "b", "c"].map((topic) => ({ topic, data: `of ${topic}` })));
  await listening.until(/(?:^end\n[^]*){3}/m);
  const said = lines(listening);
  for (const [at, topic] of [hostile, "b", "c"].entries()) {
    const [printed, begin, given, end] = said.slice(4 * at, 4 * at + 4);
    const event = JSON.parse(printed!);
    equal([begin, given, end], [`begin ${topic} ${event.id}`, printed, "end"]);
    equal([event.type, JSON.parse(event.data).topic], ["message", topic]);
  }
  equal(await Deno.stat("run").catch(() => "none"), "none");
  await listening.until(/the command ended with 3/);
  equal((await listening.end("SIGINT")).code, 0);
});

Deno.test("listen: --since begins after an id; for one of another database it warns and shows all that is held", async () => {
  await using place = await makePlace();
  await using main = await place.start();
  const worker = { url: main.url, local: await place.localIssuer() };
  await ring(worker, { topic: "a", data: "1" }, { topic: "a", data: "2" });
  const listenSince = async (id: string) => {
    await using listening = startScript("listen", ["a", "--json", "--since", id], main.env);
    await listening.until(/"2\\"|\\"2/);
    await listening.end("SIGINT");
    return { events: lines(listening).map((line) => JSON.parse(line)), err: listening.output.err };
  };
  const all = await listenSince("earliest");
  equal(all.events.map(({ data }) => JSON.parse(data).data), ["1", "2"]);
  equal((await listenSince(all.events[0].id)).events, all.events.slice(1));
  const lost = await listenSince(`unknown0.${"0".repeat(20)}.0`);
  equal(lost.events.map(({ type }) => type), ["lost", "message", "message"]);
  ok(lost.err.includes("warning: events may be missing"), lost.err);
});

Deno.test("listen: elsewhere it takes a token; one that is refused ends it with 1 and is not shown", async () => {
  await using place = await makePlace();
  await using main = await place.start();
  const token = await accessToken({ url: main.url, local: await place.localIssuer() }, {
    subscribe: ["a"],
    publish: ["a"],
  });
  const elsewhere = { CARILLON_KV: ":memory:" };
  await using listening = startScript("listen", ["a", "--url", main.url, "--token", token], elsewhere);
  await listening.until(/^connected/m);
  await publish(main.hub, token, [["topic", "a"], ["private", ""], ["data", "\u001b[2Jplain\u009b"]]);
  await listening.until(/ message +data=\\u001b\[2Jplain\\u009b\n/);
  await listening.end("SIGINT");
  const refused = await runScript("listen", ["a", "--url", main.url, "--token", `${token}x`], elsewhere);
  equal([refused.code, refused.out], [1, ""]);
  ok(refused.err.includes("signature") && !refused.err.includes(token), refused.err);
});

Deno.test("listen: without a worker it keeps trying until Ctrl-C", async () => {
  const args = ["a", "--url", `http://127.0.0.1:${freePort()}`, "--token", "none"];
  await using listening = startScript("listen", args);
  await listening.until(/(?:^disconnected, nothing answers at .*\n){2}/m);
  equal((await listening.end("SIGINT")).code, 0);
});

Deno.test("listen: it is over when nobody reads what it prints", async () => {
  await using place = await makePlace();
  await using main = await place.start();
  const worker = { url: main.url, local: await place.localIssuer() };
  const changes = Array.from({ length: 80 }, () => ({ topic: "a", data: "x".repeat(300) }));
  // More than a pipe holds, so that the listener must write to whom has gone.
  for (let round = 0; round < 3; round++) await ring(worker, ...changes);
  const listen = `${Deno.execPath()} run -A scripts/listen.ts a --json --since earliest | head -1`;
  const piping = startProcess("bash", { args: ["-o", "pipefail", "-c", listen], env: main.env });
  equal((await piping.ended).code, 0, piping.output.err);
  equal(lines(piping).length, 1);
});

Deno.test("listen: what is not understood is said in one line, with 2", async () => {
  for (
    const args of [[], ["a", "--url", "push.example"], Array(11).fill("/a*"), ["a", "--follow"], [
      "a",
      "--token",
      "a b",
    ], ["a", "--since", "\n"]]
  ) {
    const { code, out, err } = await runScript("listen", args);
    equal([code, out, err.split("\n").length], [2, "", 2], `${args.join(" ")}: ${err}`);
  }
});

Deno.test("listen: waits twice as long each time up to 30 s, with jitter, and never less than the worker asked for", () => {
  const [least, most] = [() => 0, () => 1];
  equal([0, 1, 2, 6, 50].map((attempt) => backOff(attempt, undefined, most)), [500, 1000, 2000, 30_000, 30_000]);
  equal([0, 1, 6].map((attempt) => backOff(attempt, undefined, least)), [250, 500, 15_000]);
  equal([backOff(0, 2500, least), backOff(0, 60_000, most)], [2500, 60_000]);
});

Deno.test("listen: a stream that falls silent is given up", async () => {
  const silent = Promise.withResolvers<void>();
  const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>();
  const items = readItems(readable, silent.resolve, 1);
  const next = items.next();
  await silent.promise;
  await writable.close();
  equal((await next).done, true);
});
