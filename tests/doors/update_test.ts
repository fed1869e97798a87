import fc from "fast-check";
import { equal, ok } from "../helpers/assert.ts";
import { text, visible } from "../helpers/arbitraries.ts";
import { checkNothingSaid, COOKIE, FORM_TYPE, HUB, type Kit, openKit, readAnswer } from "../helpers/bad_input.ts";
import { openStream, type ReceivedEvent } from "../helpers/event_source.ts";
import { readJournal } from "../helpers/journal.ts";
import { grant } from "../helpers/tokens.ts";

type Fields = [name: string, value: string][];

/** Publishes, and answers the id. */
async function publish(kit: Kit, fields: Fields, token?: string): Promise<string> {
  const response = await kit.update(new URLSearchParams(fields).toString(), token);
  equal([response.status, response.headers.get("content-type")], [200, "text/plain; charset=utf-8"]);
  return await response.text();
}

/** What somebody without any right to private updates is shown. */
async function readPublic(kit: Kit, query: string): Promise<ReceivedEvent[]> {
  const token = await kit.token([grant(["subscribe"], [{ match: "nothing" }])]);
  await using stream = await openStream(kit.worker.hub, `${query}&last_event_id=earliest`, token);
  await stream.until(() => /(^|\n\n)id: \S+\n\n/.test(stream.state.text));
  return stream.events;
}

Deno.test("update: it is 200 with the id of the event, which is stored", async () => {
  await using kit = await openKit();
  const id = await publish(kit, [["topic", "a"], ["data", "x"]]);
  equal(await readJournal(kit.worker), [{ id, type: "message", data: "x" }]);
});

Deno.test("update: id, type and retry are the publisher's own", async () => {
  await using kit = await openKit();
  equal(
    await publish(kit, [["topic", "a"], ["id", "urn:own:1"], ["type", "changed"], ["retry", "1500"], ["data", "x"]]),
    "urn:own:1",
  );
  equal(await readJournal(kit.worker), [{ id: "urn:own:1", type: "changed", data: "x" }]);
  await using stream = await openStream(kit.worker.hub, "match=a&last_event_id=earliest", await kit.mayAll());
  await stream.until(() => stream.events.length === 1);
  equal(stream.state.retry, 1500);
});

Deno.test("update: empty fields count as unset, unknown fields are ignored, of a field given twice the first counts", async () => {
  await using kit = await openKit();
  const id = await publish(kit, [["topic", "a"], ["id", ""], ["type", ""], ["retry", ""], ["target", "x"], [
    "data",
    "1",
  ], ["data", "2"]]);
  ok(id.startsWith("#"));
  equal(await readJournal(kit.worker), [{ id, type: "message", data: "1" }]);
});

Deno.test("update: without data it is an event with empty data", async () => {
  await using kit = await openKit();
  const id = await publish(kit, [["topic", "a"]]);
  equal(await readJournal(kit.worker), [{ id, type: "message", data: "" }]);
});

Deno.test("update: any data comes back line by line, any id and type as they were", async () => {
  await using kit = await openKit();
  const token = await kit.mayAll();
  const id = visible.filter((id) => !id.startsWith("#") && id !== "earliest" && id === id.trim());
  const type = visible.filter((type) => !["mercure", "lost"].includes(type));
  const drawn = fc.sample(fc.tuple(text, id, type), 60);
  for (const [data, id, type] of drawn) {
    await publish(kit, [["topic", "a"], ["data", data], ["id", id], ["type", type]], token);
  }
  const expected = drawn.map(([data, id, type]) => ({ id, type, data: data.replace(/\r\n|\r/g, "\n").toWellFormed() }));
  equal(await readJournal(kit.worker), expected);
});

Deno.test("update: private is told by presence alone, and shown with a grant alone", async () => {
  await using kit = await openKit();
  for (const value of ["", "on", "false", "0"]) {
    await publish(kit, [["topic", "a"], ["data", "private"], ["private", value]]);
  }
  await publish(kit, [["topic", "a"], ["data", "public"]]);
  equal((await readPublic(kit, "match=a")).map(({ data }) => data), ["public"]);
  equal((await readJournal(kit.worker)).length, 5);
});

Deno.test("update: an alternate topic reaches its listeners, once those of several", async () => {
  await using kit = await openKit();
  const id = await publish(kit, [["topic", "a"], ["topic", "b"], ["topic", "a"], ["data", "x"]]);
  for (const query of ["match=a", "match=b", "match=a&match=b", "match_urlpattern=/*&match=b"]) {
    equal((await readPublic(kit, query)).map((event) => event.id), [id]);
  }
  equal(await readPublic(kit, "match=c"), []);
});

Deno.test("update: publishing needs a grant on every topic", async () => {
  await using kit = await openKit();
  const details = [
    grant(["publish"], [{ match: "a" }]),
    grant(["publish"], [{ match: "/b/*", match_type: "urlpattern" }]),
  ];
  const token = await kit.token(details);
  await publish(kit, [["topic", "a"], ["topic", "/b/c"]], token);
  const { status } = await readAnswer(kit, await kit.update("topic=a&topic=%2Fc", token));
  equal([status, (await readJournal(kit.worker)).length], [403, 1]);
});

Deno.test("update: an id of the hub's own form is bad_request", async () => {
  await using kit = await openKit();
  const id = await publish(kit, [["topic", "a"]]);
  for (const own of [id, id.slice(1), `${id.slice(1, -1)}7`]) {
    const { code } = await readAnswer(
      kit,
      await kit.update(new URLSearchParams([["topic", "a"], ["id", own]]).toString()),
    );
    equal(code, "bad_request");
  }
});

Deno.test("update: an id that another hub gave is kept, and its reader resumes behind it", async () => {
  await using kit = await openKit();
  const foreign = "otherhub.00000000000000010000.0";
  await publish(kit, [["topic", "a"], ["id", foreign], ["data", "1"]]);
  await publish(kit, [["topic", "a"], ["data", "2"]]);
  await using stream = await openStream(kit.worker.hub, `match=a&last_event_id=${foreign}`, await kit.mayAll());
  await stream.until(() => stream.events.length > 0);
  equal([stream.events[0]!.data, stream.response.headers.get("mercure-last-event-id")], ["2", foreign]);
});

Deno.test("update: a cookie with our Origin, or our Referer, publishes as a token does", async () => {
  await using kit = await openKit();
  const cookie = `${COOKIE}=${await kit.mayAll()}`;
  const ways: Record<string, string>[] = [{ origin: "https://app.example" }, { origin: kit.url }, {
    referer: "https://app.example/page",
  }];
  for (const way of ways) {
    const response = await kit.post(HUB, FORM_TYPE, "topic=a", { cookie, ...way });
    equal([response.status, (await response.text()).length > 0], [200, true]);
  }
});

Deno.test("update: any form and any bytes are answered in a documented form", async () => {
  await using kit = await openKit();
  const token = await kit.mayAll();
  const name = fc.constantFrom("topic", "data", "id", "type", "retry", "private", "x");
  const form = fc.array(fc.tuple(name, text), { maxLength: 6 }).map((fields) => new URLSearchParams(fields).toString());
  const raw = fc.array(fc.tuple(name, fc.string()).map((pair) => pair.join("="))).map((pairs) => pairs.join("&"));
  await fc.assert(
    fc.asyncProperty(fc.oneof(form, raw, fc.uint8Array({ maxLength: 200 })), async (body) => {
      const { status } = await readAnswer(kit, await kit.update(body as BodyInit, token));
      ok([200, 400, 413].includes(status), `${status}`);
    }),
    { numRuns: 150 },
  );
  kit.seen.keep("a secret that nobody said");
  await checkNothingSaid(kit);
});
