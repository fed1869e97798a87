import { equal, ok } from "../helpers/assert.ts";
import { openStream } from "../helpers/event_source.ts";
import { makePlace } from "../helpers/main_database.ts";
import { helpOf, runScript } from "../helpers/process.ts";
import { accessToken } from "../helpers/worker.ts";

Deno.test("ring: --help shows every flag", async () => {
  const help = await helpOf("ring");
  for (const flag of ["--priority", "--sync-token", "--client-id", "--data", "--url", "--key", "--issuer"]) {
    ok(help.includes(flag), flag);
  }
});

Deno.test("ring: one SET tells listeners of every topic what was said about it", async () => {
  await using place = await makePlace();
  await using main = await place.start();
  const token = await accessToken({ url: main.url, local: await place.localIssuer() }, { subscribe: ["*"] });
  await using stream = await openStream(main.hub, "match=*", token);
  const more = ["--priority", "80", "--sync-token", "s-1", "--client-id", "phone", "--data", "hello"];
  const { code, out, err } = await runScript("ring", ["https://c.example/a/", "b", ...more], main.env);
  equal([code, err], [0, ""]);
  ok(out.startsWith(`2 changes accepted by ${main.url}`), out);
  await stream.until(() => stream.events.length === 2);
  const heard = stream.events.map(({ data }) => JSON.parse(data));
  const said = { priority: 80, "sync-token": "s-1", "client-id": "phone", data: "hello" };
  for (const [at, topic] of ["https://c.example/a/", "b"].entries()) {
    const { priority, "sync-token": syncToken, "client-id": clientId, data } = heard[at];
    equal({ priority, "sync-token": syncToken, "client-id": clientId, data }, said);
    equal(heard[at].topic, topic);
  }
  const [first, second] = stream.events.map(({ id }) => id.split("."));
  equal(first!.slice(0, 2), second!.slice(0, 2), "in one commit");
});

Deno.test("ring: the worker's refusal is passed on with what to do, and exits with 1", async () => {
  await using place = await makePlace();
  const key = `${place.folder}/key.json`;
  const { out } = await runScript("issuer", ["calendar", "--topics", "a", "--save", key]);
  await using main = await place.start();
  const signed = ["--url", main.url, "--key", key, "--issuer", "calendar"];
  const unknown = await runScript("ring", ["a", ...signed]);
  equal([unknown.code, unknown.out], [1, ""]);
  ok(unknown.err.includes("invalid_issuer") && unknown.err.includes("CARILLON_ISSUERS"), unknown.err);

  await using beside = await makePlace({ CARILLON_ISSUERS: out });
  await using knowing = await beside.start();
  const there = ["--url", knowing.url, "--key", key, "--issuer", "calendar"];
  equal((await runScript("ring", ["a", ...there])).code, 0);
  const foreign = await runScript("ring", ["b", ...there]);
  equal([foreign.code, foreign.out], [1, ""]);
  ok(foreign.err.includes("access_denied"), foreign.err);
});

Deno.test("ring: where nobody listens it says so, and how to start a worker", async () => {
  await using place = await makePlace();
  const key = `${place.folder}/key.json`;
  await runScript("issuer", ["calendar", "--save", key]);
  const { code, out, err } = await runScript("ring", ["a", "--url", closedUrl(), "--key", key, "--issuer", "calendar"]);
  equal([code, out], [1, ""]);
  ok(err.includes("nothing answers") && err.includes("deno task start"), err);
});

function closedUrl(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `http://127.0.0.1:${listener.addr.port}`;
}

Deno.test("ring: what is not understood is said in one line, with 2", async () => {
  const wrong = [[], ["a", "--priority", "101"], ["a", "--priority", "high"], ["*"], ["a\nb"], [
    "a",
    "--key",
    "k.json",
  ]];
  for (const args of wrong) {
    const { code, out, err } = await runScript("ring", args);
    equal([code, out, err.split("\n").length], [2, "", 2], `${args.join(" ")}: ${err}`);
  }
});
