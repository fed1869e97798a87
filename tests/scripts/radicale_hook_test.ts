import { equal, ok } from "../helpers/assert.ts";
import { component } from "../helpers/component.ts";
import { findRadicale, HOOK_FOLDER, type Radicale, startRadicale } from "../helpers/radicale.ts";
import type { DavClient } from "../helpers/radicale_client.ts";
import { accepted, type Answer, type Receiver, refused, SECRET, startReceiver } from "../helpers/radicale_receiver.ts";
import { untilFile } from "../helpers/radicale_waiting.ts";

const TOPICS = "https://cal.example/";
const WORK = `${TOPICS}alice/work/`;

type Rig = { receiver: Receiver; radicale: Radicale; alice: DavClient; spool: string };

type Given = { hook?: Record<string, string | number>; spooled?: string[]; answer?: Answer };

/** Runs with a Radicale whose hook reports to a receiver, and whose spool holds the given lines already. */
async function withHook(run: (rig: Rig) => Promise<void>, { hook, spooled = [], answer }: Given = {}): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "spool-" });
  const spool = `${folder}/spool.jsonl`;
  if (spooled.length > 0) await Deno.writeTextFile(spool, spooled.map((line) => `${line}\n`).join(""));
  try {
    await using receiver = startReceiver();
    if (answer) receiver.answerWith(answer);
    const ours = { carillon_url: receiver.url, carillon_secret: SECRET, carillon_topics: TOPICS };
    const settings = { ...ours, carillon_spool: spool, carillon_retry_first: 0.02, ...hook };
    await using radicale = await startRadicale({ hook: settings });
    await run({ receiver, radicale, alice: radicale.as("alice"), spool });
    ok(!radicale.logs().some((line) => line.includes(SECRET)), "the secret was logged");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const spoolLine = (name: string, timestamp = "2026-11-23T00:00:00.000Z") =>
  JSON.stringify({ topic: `${TOPICS}alice/${name}/`, timestamp, update: "content", depth: "1" });

const unavailable = (headers: Record<string, string> = {}, status = 503) => new Response(null, { status, headers });

const test = await component("Radicale", findRadicale);

test("radicale hook: a PUT and a DELETE of an event are content changes of its calendar", () =>
  withHook(async ({ receiver, alice, spool }) => {
    const before = new Date().toISOString();
    await alice.makeCalendar("/alice/work/");
    await alice.putEvent("/alice/work/", "meeting");
    await receiver.until(() => receiver.acknowledged().length === 1);
    await alice.remove("/alice/work/meeting.ics");
    await receiver.until(() => receiver.acknowledged().length === 2);

    for (const { timestamp, ...message } of receiver.acknowledged()) {
      equal(message, { topic: WORK, update: "content", depth: "1" });
      ok(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(timestamp), timestamp);
      ok(timestamp >= before && timestamp <= new Date().toISOString(), timestamp);
    }
    const [first, second] = receiver.sets;
    equal(first!.headers.get("content-type"), "application/secevent+jwt");
    equal(first!.headers.get("accept"), "application/json");
    ok(/^[0-9a-f-]{36}$/.test(first!.jti) && first!.jti !== second!.jti);
    await untilFile(spool, (text) => text === "");
  }));

test("radicale hook: a PUT and a DELETE of a vCard are content changes of its address book", () =>
  withHook(async ({ receiver, alice }) => {
    await alice.makeAddressBook("/alice/people/");
    await alice.putCard("/alice/people/", "ann");
    await receiver.until(() => receiver.acknowledged().length === 1);
    await alice.remove("/alice/people/ann.vcf");
    await receiver.until(() => receiver.acknowledged().length === 2);
    for (const { topic, update } of receiver.acknowledged()) {
      equal([topic, update], [`${TOPICS}alice/people/`, "content"]);
    }
  }));

test("radicale hook: a PROPPATCH is a property change of depth 0; that of a principal is none", () =>
  withHook(async ({ receiver, alice }) => {
    await alice.makeCalendar("/alice/work/");
    await alice.rename("/alice/", "Alice");
    await alice.rename("/alice/work/", "Office");
    await receiver.until(() => receiver.acknowledged().length > 0);
    const [{ timestamp: _, ...message }] = receiver.acknowledged() as [Receiver["sets"][0]["messages"][0]];
    equal(message, { topic: WORK, update: "property", depth: "0" });
  }));

test("radicale hook: a topic is spelt as Radicale spells the collection's href", () =>
  withHook(async ({ receiver, alice }) => {
    const path = "/alice/K%C3%BCche%20%26%20M%40il/";
    await alice.makeCalendar(path);
    await alice.putEvent(path, "dinner");
    const message = await receiver.until(() => receiver.acknowledged()[0]);
    equal(message.topic, TOPICS + path.slice(1));
    const { text } = await alice.request("PROPFIND", path, undefined, { depth: "0" });
    ok(text.includes(`<href>${path}</href>`), text);
  }));

test("radicale hook: an audience, an issuer, topics and a file with a secret of their own", async () => {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, `${SECRET}\n`);
  await using receiver = startReceiver({ audience: "https://push.example", issuer: "https://cal.example" });
  await using radicale = await startRadicale({
    hook: {
      carillon_url: `${receiver.url}/`,
      carillon_audience: "https://push.example/",
      carillon_issuer: "https://cal.example",
      carillon_secret_file: file,
      carillon_topics: "urn:cal:",
    },
  });
  const bob = radicale.as("bob");
  await bob.makeCalendar("/bob/home/");
  await bob.putEvent("/bob/home/", "lunch");
  equal((await receiver.until(() => receiver.acknowledged()[0])).topic, "urn:cal:bob/home/");
  ok(await Deno.stat(`${radicale.data}/.carillon-spool.jsonl.lock`), "the spool's place by default");
  await Deno.remove(file);
});

test("radicale hook: 50 writes during a POST that hangs are not held up, and become one message", () =>
  withHook(async ({ receiver, alice }) => {
    const gate = Promise.withResolvers<void>();
    receiver.answerWith(() => gate.promise.then(accepted));
    await alice.makeCalendar("/alice/work/");
    await alice.putEvent("/alice/work/", "first");
    await receiver.until(() => receiver.sets.length === 1);
    for (let number = 0; number < 50; number++) await alice.putEvent("/alice/work/", `burst-${number % 5}`);
    const last = new Date().toISOString();
    gate.resolve();
    await receiver.until(() => receiver.acknowledged().length === 2);
    equal(receiver.sets.map(({ messages }) => messages.length), [1, 1]);
    const [first, merged] = receiver.acknowledged();
    ok(first!.timestamp < merged!.timestamp && merged!.timestamp <= last, merged!.timestamp);
  }));

test("radicale hook: a write succeeds at once while nobody listens, and is delivered later", () =>
  withHook(async ({ receiver, radicale, alice }) => {
    await receiver.down();
    await alice.makeCalendar("/alice/work/");
    const start = performance.now();
    equal((await alice.putEvent("/alice/work/", "meeting")).status, 201);
    ok(performance.now() - start < 2000, `${performance.now() - start} ms`);
    await radicale.untilLog(/Carillon: 1 change\(s\) wait and will be sent again: ConnectionRefusedError/);
    receiver.up();
    equal((await receiver.until(() => receiver.acknowledged()[0])).topic, WORK);
    await radicale.untilLog(/Carillon: 1 change\(s\) were sent at attempt \d+/);
  }));

test("radicale hook: 503, 413 and 401 are tried again with the same jti and messages", () =>
  withHook(async ({ receiver, alice }) => {
    const statuses = [503, 413, 401, 500, 200];
    receiver.answerWith(() => new Response(null, { status: statuses.shift() ?? 202 }));
    await alice.makeCalendar("/alice/work/");
    await alice.putEvent("/alice/work/", "meeting");
    await receiver.until(() => receiver.acknowledged().length === 1);
    equal(receiver.sets.map(({ status }) => status), [503, 413, 401, 500, 200, 202]);
    const tries = receiver.sets.map(({ jti, messages }) => JSON.stringify([jti, messages]));
    equal(new Set(tries).size, 1);
  }));

test("radicale hook: a Retry-After is obeyed", () =>
  withHook(async ({ receiver, alice }) => {
    const answers = [unavailable({ "retry-after": "1" }, 429), unavailable({ "retry-after": "0" })];
    receiver.answerWith(() => answers.shift() ?? accepted());
    await alice.makeCalendar("/alice/work/");
    await alice.putEvent("/alice/work/", "meeting");
    await receiver.until(() => receiver.acknowledged().length === 1);
    const [first, second, third] = receiver.sets.map(({ at }) => at) as [number, number, number];
    ok(second - first >= 990, `${second - first} ms after 429`);
    ok(third - second < 900, `${third - second} ms after 503`);
  }));

test("radicale hook: a refusal is logged once with advice and without the secret, and what follows is delivered", () =>
  withHook(async ({ receiver, radicale, alice }) => {
    receiver.answerWith(() => refused("authentication_failed", "the SET's signature\nis wrong"));
    await alice.makeCalendar("/alice/work/");
    await alice.putEvent("/alice/work/", "refused");
    const line = await radicale.untilLog(/refused for ever/);
    ok(line.includes("authentication_failed") && line.includes("signature\\nis wrong"), line);
    ok(line.includes("Make carillon_secret the same"), line);
    receiver.answerWith(accepted);
    await alice.putEvent("/alice/work/", "accepted");
    await receiver.until(() => receiver.acknowledged().length === 1);
    equal(receiver.sets.length, 2);
    equal(radicale.logs().filter((line) => line.includes("refused for ever")).length, 1);
  }));

test("radicale hook: a 400 that is not Carillon's own is tried again", () =>
  withHook(async ({ receiver, alice }) => {
    const answers = [new Response("plain HTTP to an HTTPS port", { status: 400 })];
    receiver.answerWith(() => answers.shift() ?? accepted());
    await alice.makeCalendar("/alice/work/");
    await alice.putEvent("/alice/work/", "meeting");
    await receiver.until(() => receiver.acknowledged().length === 1);
  }));

test("radicale hook: one message that is refused does not cost the others of its SET", () => {
  const names = ["a", "b", "c", "foreign", "d", "e", "f"];
  const answer: Answer = ({ messages }) =>
    messages.some(({ topic }) => topic.includes("foreign")) ? refused("access_denied", "foreign") : accepted();
  return withHook(async ({ receiver, radicale, spool }) => {
    await radicale.untilLog(/Carillon: 1 change\(s\) were refused for ever: access_denied/);
    await receiver.until(() => receiver.acknowledged().length === names.length - 1);
    const topics = receiver.acknowledged().map(({ topic }) => topic);
    equal(topics, names.filter((name) => name !== "foreign").map((name) => `${TOPICS}alice/${name}/`));
    await untilFile(spool, (text) => text === "");
  }, { spooled: names.map((name) => spoolLine(name)), answer });
});

test("radicale hook: what waits at a SIGTERM is delivered after a restart", () =>
  withHook(async ({ receiver, radicale, alice, spool }) => {
    await receiver.down();
    await alice.makeCalendar("/alice/work/");
    await alice.makeAddressBook("/alice/people/");
    await alice.putEvent("/alice/work/", "meeting");
    await alice.putCard("/alice/people/", "ann");
    await radicale.stop();
    equal((await Deno.readTextFile(spool)).trim().split("\n").length, 2);
    receiver.up();
    await radicale.restart();
    await receiver.until(() => receiver.acknowledged().length === 2);
    equal(receiver.acknowledged().map(({ topic }) => topic).sort(), [`${TOPICS}alice/people/`, WORK]);
    await untilFile(spool, (text) => text === "");
  }));

test("radicale hook: what was tried before a kill -9 is delivered after a restart with the same jti", () =>
  withHook(async ({ receiver, radicale, alice, spool }) => {
    receiver.answerWith(() => unavailable());
    await alice.makeCalendar("/alice/work/");
    await alice.putEvent("/alice/work/", "meeting");
    const { jti } = await receiver.until(() => receiver.sets[0]);
    await alice.rename("/alice/work/", "Office");
    await untilFile(spool, (text) => text.includes(jti) && text.includes('"property"'));
    await radicale.stop("SIGKILL");
    receiver.answerWith(accepted);
    await radicale.restart();
    await receiver.until(() => receiver.acknowledged().length === 2);
    const [first, second] = receiver.sets.filter(({ status }) => status === 202);
    equal([first!.jti, first!.messages[0]!.update], [jti, "content"]);
    equal(second!.messages[0]!.update, "property");
  }));

test("radicale hook: 1,200 topics are split into SETs within the receiver's limits; a corrupt line costs itself", () => {
  const names = Array.from({ length: 1200 }, (_, number) => `calendar-${number}`);
  const lines = names.map((name) => spoolLine(name));
  return withHook(async ({ receiver, radicale }) => {
    await receiver.until(() => receiver.acknowledged().length === names.length);
    equal(receiver.acknowledged().map(({ topic }) => topic), names.map((name) => `${TOPICS}alice/${name}/`));
    ok(receiver.sets.every(({ messages, bytes }) => messages.length <= 500 && bytes <= 48 * 1024));
    ok(receiver.sets.length <= 6, `${receiver.sets.length} SETs`);
    ok(Math.max(...receiver.sets.map(({ bytes }) => bytes)) > 47 * 1024, "a full SET fills its room");
    for (const number of [1, 4, 1203, 1204]) await radicale.untilLog(RegExp(`line ${number} of the spool was skipped`));
  }, { spooled: ["not JSON", ...lines.slice(0, 2), '{"topic":1}', ...lines.slice(2), "7", '{"jti":"a","iat":1,"mes'] });
});

test("radicale hook: beyond 10,000 topics the oldest are dropped, counted and logged", () => {
  const lines = Array.from({ length: 10_050 }, (_, number) => spoolLine(`calendar-${number}`));
  return withHook(async ({ receiver, radicale }) => {
    await radicale.untilLog(/Carillon: 1 change\(s\) were dropped: more than 10000 wait/);
    await receiver.until(() => receiver.acknowledged().length === 10_000);
    equal(receiver.acknowledged()[0]!.topic, `${TOPICS}alice/calendar-50/`);
  }, { spooled: lines });
});

test("radicale hook: of one topic in the spool the newest timestamp is kept", () =>
  withHook(async ({ receiver }) => {
    await receiver.until(() => receiver.acknowledged().length === 1);
    equal(receiver.acknowledged()[0]!.timestamp, "2026-11-23T00:00:02.000Z");
    equal(receiver.sets.length, 1);
  }, { spooled: [1, 2, 0].map((second) => spoolLine("work", `2026-11-23T00:00:0${second}.000Z`)) }));

test("radicale hook: a SET that waited for more than 23 hours is signed again with a new iat and its jti", () => {
  const now = Math.floor(Date.now() / 1000);
  const old = (jti: string, hours: number) =>
    JSON.stringify({ jti, iat: now - hours * 3600, messages: [JSON.parse(spoolLine("work"))] });
  return withHook(async ({ receiver }) => {
    await receiver.until(() => receiver.acknowledged().length === 2);
    equal(receiver.sets.map(({ jti }) => jti), ["stale", "fresh"]);
    const [stale, fresh] = receiver.sets as [Receiver["sets"][0], Receiver["sets"][0]];
    ok(stale.iat >= now, `${stale.iat}`);
    equal(fresh.iat, now - 22 * 3600);
  }, { spooled: [old("stale", 30), old("fresh", 22)] });
});

test("radicale hook: a secret that is too short is said with its remedy, and Radicale goes on without a hook", async () => {
  await using radicale = await startRadicale({ hook: { carillon_secret: "tooshort" } });
  await radicale.untilLog(/carillon_secret has 8 bytes and needs 32: .*openssl rand -hex 32/);
  await radicale.untilLog(/Hook "carillon_hook" failed to load, falling back to "none"/);
  const alice = radicale.as("alice");
  await alice.makeCalendar("/alice/work/");
  equal((await alice.putEvent("/alice/work/", "meeting")).status, 201);
  ok(!radicale.logs().some((line) => line.includes("tooshort")));
});

test("radicale hook: an option that is misspelt is said", async () => {
  await using radicale = await startRadicale({ hook: { carillon_secret: SECRET, carillon_topic: "x" } });
  await radicale.untilLog(/Invalid option 'carillon_topic' in section 'hook'/);
});

const FORK = `
import os, sys
from radicale import config, hook
from carillon_hook import Hook
config.port_int = int
own = Hook(config.load([(sys.argv[1], False)]))
child = os.fork() == 0
item = hook.HookNotificationItem(hook.HookNotificationItemTypes.UPSERT, "/alice/%s/e.ics" % ("child" if child else "parent"))
own.notify(item)
sys.stdin.read()
if not child: os.wait()
`;

test("radicale hook: processes that share a configuration, and a fork, keep spools of their own", (python) =>
  withHook(async ({ receiver, radicale, spool }) => {
    receiver.answerWith(() => unavailable());
    const program = new Deno.Command(python, {
      args: ["-c", FORK, `${radicale.folder}/config`],
      env: { PYTHONPATH: HOOK_FOLDER, PYTHONDONTWRITEBYTECODE: "1" },
      stdin: "piped",
      stderr: "piped",
    }).spawn();
    await receiver.until(() => new Set(receiver.sets.map(({ jti }) => jti)).size === 2);
    await program.stdin.close();
    const { success, stderr } = await program.output();
    ok(success, new TextDecoder().decode(stderr));
    ok((await Deno.readTextFile(`${spool}.1`)).includes("alice/parent/"));
    ok((await Deno.readTextFile(`${spool}.2`)).includes("alice/child/"));
  }));
