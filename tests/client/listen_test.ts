import { systemPace } from "../../src/client/pace.ts";
import { createReceiver } from "../../src/client/receiver.ts";
import { importKeys, makeKeys, publicKeys } from "../../src/client/keys.ts";
import { equal, ok } from "../helpers/assert.ts";
import { openListening } from "../helpers/listening.ts";
import { openPushMailbox } from "../helpers/push_mailbox.ts";
import { failsAs } from "../helpers/receiver_error.ts";

Deno.test("listen: a message is decrypted, given out with its fields, and acknowledged", async () => {
  await using mailbox = await openPushMailbox();
  await using listening = await openListening(mailbox);
  const stream = await mailbox.stream(0);
  stream.write(mailbox.event("m1", "größer", listening.keys, { urgency: "high", topic: "news" }));
  await mailbox.until(() => mailbox.acknowledged().length === 1);
  const [{ data, text, ...fields }] = listening.heard as [typeof listening.heard[0]];
  equal([new TextDecoder().decode(data), text(), fields], ["größer", "größer", {
    urgency: "high",
    topic: "news",
    id: "m1",
  }]);
  equal([mailbox.acknowledged(), listening.faults], [["m1"], []]);
});

Deno.test("listen: it asks without its token, and for the least urgency that is wanted", async () => {
  await using mailbox = await openPushMailbox();
  await using _ = await openListening(mailbox, { urgency: "high" });
  const { path, headers } = await mailbox.stream(0);
  const { accept, authorization, urgency } = headers;
  equal([path, accept, authorization, urgency], ["/push/mine", "text/event-stream", undefined, "high"]);
  equal(headers["last-event-id"], undefined);
});

Deno.test("listen: messages come one after the other, and none is acknowledged before it was taken", async () => {
  await using mailbox = await openPushMailbox();
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()], begun: string[] = [];
  await using listening = await openListening(mailbox, {
    take: async (message) => {
      begun.push(message.text());
      mailbox.notify();
      await gates[begun.length - 1]!.promise;
    },
  });
  const stream = await mailbox.stream(0);
  stream.write(mailbox.event("m1", "one", listening.keys) + mailbox.event("m2", "two", listening.keys));
  await mailbox.until(() => begun.length === 1);
  equal([begun, mailbox.acknowledged()], [["one"], []]);
  gates[0]!.resolve();
  await mailbox.until(() => begun.length === 2);
  equal(mailbox.acknowledged(), ["m1"]);
  gates[1]!.resolve();
  await mailbox.until(() => mailbox.acknowledged().length === 2);
});

Deno.test("listen: after a stream that broke it connects again, and names what it had", async () => {
  await using mailbox = await openPushMailbox();
  await using listening = await openListening(mailbox);
  const first = await mailbox.stream(0);
  first.write(mailbox.event("m1", "one", listening.keys));
  await mailbox.until(() => mailbox.acknowledged().length === 1);
  first.cut();
  const second = await mailbox.stream(1);
  equal([second.headers["last-event-id"], listening.waits], ["m1", [500]]);
  equal(listening.faults.map(({ code }) => code), ["unavailable"]);
  second.write(mailbox.event("m2", "two", listening.keys));
  await mailbox.until(() => mailbox.acknowledged().length === 2);
  equal(listening.texts(), ["one", "two"]);
});

Deno.test("listen: the end of a stream in good order is no fault, and it waits as long as retry: asks", async () => {
  await using mailbox = await openPushMailbox();
  await using listening = await openListening(mailbox);
  const first = await mailbox.stream(0);
  first.write("retry: 7000\n\n");
  first.end();
  (await mailbox.stream(1)).end();
  await mailbox.stream(2);
  equal([listening.waits, listening.faults], [[7_000, 14_000], []]);
});

Deno.test("listen: streams that say no more than when to come back are further and further apart", async () => {
  await using mailbox = await openPushMailbox();
  await using listening = await openListening(mailbox);
  for (let n = 0; n < 3; n++) {
    const stream = await mailbox.stream(n);
    stream.write("retry: 100\n\n");
    stream.end();
  }
  await mailbox.stream(3);
  equal(listening.waits, [500, 1_000, 2_000]);
});

Deno.test("listen: attempts that bring nothing are further and further apart, until one brings something", async () => {
  await using mailbox = await openPushMailbox();
  for (let n = 0; n < 4; n++) mailbox.answer("GET", { status: 503 });
  await using listening = await openListening(mailbox);
  const stream = await mailbox.stream(0);
  equal(listening.waits, [500, 1_000, 2_000, 4_000]);
  equal(listening.faults.map(({ code, status }) => [code, status]), Array(4).fill(["unavailable", 503]));
  stream.write(mailbox.event("m1", "one", listening.keys));
  await mailbox.until(() => mailbox.acknowledged().length === 1);
  stream.cut();
  await mailbox.stream(1);
  equal(listening.waits.slice(4), [500]);
});

Deno.test("listen: a quiet stream that was open for long was a good one", async () => {
  await using mailbox = await openPushMailbox();
  await using listening = await openListening(mailbox);
  for (let n = 0; n < 3; n++) {
    const stream = await mailbox.stream(n);
    await mailbox.until(() => listening.opened() === n + 1);
    listening.advance(60_000);
    stream.cut();
  }
  await mailbox.stream(3);
  equal(listening.waits, [500, 500, 500]);
});

Deno.test("listen: 429 waits as long as Retry-After says", async () => {
  await using mailbox = await openPushMailbox();
  mailbox.answer("GET", { status: 429, headers: { "retry-after": "120" } });
  await using listening = await openListening(mailbox);
  await mailbox.stream(0);
  equal(listening.waits, [120_000]);
});

Deno.test("listen: a stream of which nothing is heard for 45 seconds is left for another one", async () => {
  await using mailbox = await openPushMailbox();
  await using listening = await openListening(mailbox);
  const first = await mailbox.stream(0);
  first.write(mailbox.event("m1", "one", listening.keys));
  await mailbox.until(() => mailbox.acknowledged().length === 1);
  await mailbox.until(() => listening.late(45_000));
  await mailbox.stream(1);
  await mailbox.until(first.isOver);
});

Deno.test("listen: a message that comes twice is given out once, and acknowledged again", async () => {
  await using mailbox = await openPushMailbox();
  await using listening = await openListening(mailbox);
  mailbox.answer("DELETE", { status: 503 });
  const event = mailbox.event("m1", "one", listening.keys);
  (await mailbox.stream(0)).write(event + event);
  await mailbox.until(() => mailbox.acknowledged().length === 2);
  equal([listening.texts(), listening.faults], [["one"], []]);
});

Deno.test("listen: what cannot be decrypted is told of and acknowledged, and the next message is read", async () => {
  await using mailbox = await openPushMailbox();
  await using listening = await openListening(mailbox);
  const other = publicKeys(await importKeys(await makeKeys()));
  (await mailbox.stream(0)).write(
    mailbox.event("m1", "for another", other) +
      mailbox.event("m2", "plain", listening.keys, { encoding: "aesgcm" }) +
      mailbox.event("m3", "plain", listening.keys, { encoding: undefined }) +
      mailbox.event("m4", "one", listening.keys),
  );
  await mailbox.until(() => mailbox.acknowledged().length === 4);
  equal([mailbox.acknowledged(), listening.texts()], [["m1", "m2", "m3", "m4"], ["one"]]);
  equal(listening.faults.map(({ code }) => code), Array(3).fill("undecryptable"));
});

Deno.test("listen: a push without a body is a message of no bytes", async () => {
  await using mailbox = await openPushMailbox();
  await using listening = await openListening(mailbox);
  (await mailbox.stream(0)).write(mailbox.event("m1", "", listening.keys, { body: "", encoding: undefined }));
  await mailbox.until(() => mailbox.acknowledged().length === 1);
  equal(listening.heard.map(({ data }) => data.byteLength), [0]);
});

Deno.test("listen: an event that is no message is told of and passed over, and no other host is asked anything", async () => {
  await using mailbox = await openPushMailbox();
  await using other = await openPushMailbox();
  await using listening = await openListening(mailbox);
  const odd = ["no JSON", "null", "[]", "{}", JSON.stringify({ message: mailbox.address("m0"), status: 204 })];
  const first = await mailbox.stream(0);
  first.write(
    odd.map((data) => `id: x\ndata: ${data}\n\n`).join("") +
      mailbox.event("m1", "one", listening.keys, { message: other.address("m1") }) +
      mailbox.event("m2", "two", listening.keys, { urgency: "extreme" }) +
      mailbox.event("m3", "three", listening.keys, { body: "*" }) +
      `event: other\n${mailbox.event("m4", "four", listening.keys)}` +
      mailbox.event("m5", "five", listening.keys),
  );
  await mailbox.until(() => mailbox.acknowledged().length === 1);
  equal([mailbox.acknowledged(), listening.texts(), other.asked], [["m5"], ["five"], []]);
  equal(listening.faults.map(({ code }) => code), Array(8).fill("malformed"));
  first.cut();
  equal((await mailbox.stream(1)).headers["last-event-id"], "m5");
});

Deno.test("listen: a message that onMessage refuses comes again, before any other, and is acknowledged only then", async () => {
  await using mailbox = await openPushMailbox();
  let refusals = 1;
  await using listening = await openListening(mailbox, {
    take: () => {
      if (refusals-- > 0) throw new Error("no room");
    },
  });
  const events = () => mailbox.event("m1", "one", listening.keys) + mailbox.event("m2", "two", listening.keys);
  (await mailbox.stream(0)).write(events());
  const second = await mailbox.stream(1);
  equal([second.headers["last-event-id"], mailbox.acknowledged(), listening.waits], [undefined, [], [500]]);
  const [fault] = listening.faults;
  equal([fault?.code, fault?.id, (fault?.cause as Error).message], ["callback_failed", "m1", "no room"]);
  second.write(events());
  await mailbox.until(() => mailbox.acknowledged().length === 2);
  equal(listening.texts(), ["one", "two"]);
});

for (const status of [404, 410]) {
  Deno.test(`listen: ${status} means that the subscription has ended`, async () => {
    await using mailbox = await openPushMailbox();
    mailbox.answer("GET", { status });
    const listening = await openListening(mailbox);
    equal((await failsAs("gone", listening.ended)).status, status);
    equal(listening.waits, []);
  });
}

for (const status of [400, 401, 403]) {
  Deno.test(`listen: ${status} is final`, async () => {
    await using mailbox = await openPushMailbox();
    mailbox.answer("GET", { status });
    const listening = await openListening(mailbox);
    const { message } = await failsAs("refused", listening.ended);
    ok(!message.includes("/push/mine"), message);
  });
}

Deno.test("listen: an answer that is no event stream is tried again", async () => {
  await using mailbox = await openPushMailbox();
  mailbox.answer("GET", { status: 200, headers: { "content-type": "text/html" }, body: "hello" });
  await using listening = await openListening(mailbox);
  await mailbox.stream(0);
  equal(listening.faults.map(({ code }) => code), ["malformed"]);
});

Deno.test("listen: a push service that does not know the place any more is asked without it", async () => {
  await using mailbox = await openPushMailbox();
  await using listening = await openListening(mailbox);
  const first = await mailbox.stream(0);
  first.write(mailbox.event("m1", "one", listening.keys));
  await mailbox.until(() => mailbox.acknowledged().length === 1);
  mailbox.answer("GET", { status: 400 });
  first.cut();
  equal((await mailbox.stream(1)).headers["last-event-id"], undefined);
});

Deno.test("listen: the place goes on after a restart, but not for who wants more than it had", async () => {
  await using mailbox = await openPushMailbox();
  const before = await openListening(mailbox, { urgency: "high" });
  (await mailbox.stream(0)).write(mailbox.event("m1", "one", before.keys, { urgency: "high" }));
  await mailbox.until(() => mailbox.acknowledged().length === 1);
  await before.stop();
  const resume = JSON.parse(JSON.stringify(before.receiver.export()));
  await using _same = await openListening(mailbox, { urgency: "high", resume });
  await using _more = await openListening(mailbox, { resume });
  const streams = [await mailbox.stream(1), await mailbox.stream(2)];
  equal(
    new Set(streams.map(({ headers }) => [headers.urgency, headers["last-event-id"]].join())),
    new Set(["high,m1", ","]),
  );
});

Deno.test("listen: an abort ends the stream, and listen resolves", async () => {
  await using mailbox = await openPushMailbox();
  await using listening = await openListening(mailbox);
  const stream = await mailbox.stream(0);
  await listening.stop();
  await mailbox.until(stream.isOver);
  equal([listening.faults, listening.waits], [[], []]);
});

Deno.test("listen: what is being taken at an abort is acknowledged, and what comes behind it is left", async () => {
  await using mailbox = await openPushMailbox();
  const gate = Promise.withResolvers<void>(), begun: string[] = [];
  await using listening = await openListening(mailbox, {
    take: async (message) => {
      begun.push(message.id);
      mailbox.notify();
      await gate.promise;
    },
  });
  (await mailbox.stream(0)).write(
    mailbox.event("m1", "one", listening.keys) + mailbox.event("m2", "two", listening.keys),
  );
  await mailbox.until(() => begun.length === 1);
  listening.abort();
  gate.resolve();
  await listening.ended;
  equal([mailbox.acknowledged(), begun], [["m1"], ["m1"]]);
});

Deno.test("listen: an abort ends it also after the garbage was collected", async () => {
  const args = ["run", "-A", "--v8-flags=--expose-gc", "tests/helpers/listen_collected.ts"];
  const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "null" }).spawn();
  const late = setTimeout(() => child.kill("SIGKILL"), 30_000);
  const { stdout } = await child.output();
  clearTimeout(late);
  equal(new TextDecoder().decode(stdout), "ended\n");
});

Deno.test("listen: each connection is told of when it is open", async () => {
  await using mailbox = await openPushMailbox();
  const receiver = await createReceiver({ url: mailbox.url, token: "token", pace: { ...systemPace, random: () => 0 } });
  const ending = new AbortController();
  let opened = 0;
  const onOpen = () => (opened++, mailbox.notify());
  const listening = receiver.listen({ signal: ending.signal, onMessage: () => {}, onOpen });
  await mailbox.until(() => opened === 1);
  (await mailbox.stream(0)).cut();
  await mailbox.until(() => opened === 2);
  ending.abort();
  await listening;
});
