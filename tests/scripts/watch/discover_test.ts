import { ReceiverError } from "../../../src/client/mod.ts";
import { systemPace } from "../../../src/client/pace.ts";
import { Refusal } from "../../../scripts/lib/command.ts";
import { discover } from "../../../scripts/watch/discover.ts";
import { lookFirst } from "../../../scripts/watch/first_look.ts";
import { equal, ok } from "../../helpers/assert.ts";

const ROOT = "https://dav.example/";
const ALICE = "<current-user-principal><href>/alice/</href></current-user-principal>";
const CALENDAR = '<resourcetype><collection/><C:calendar xmlns:C="urn:ietf:params:xml:ns:caldav"/></resourcetype>';
const homesOf = (...hrefs: string[]) =>
  `<C:calendar-home-set xmlns:C="urn:ietf:params:xml:ns:caldav">${
    hrefs.map((href) => `<href>${href}</href>`).join("")
  }</C:calendar-home-set>`;

/** A server that answers so many properties at each path, 404 elsewhere; `asked` is whom the password was sent to. */
function serverOf(properties: Record<string, string>) {
  const asked: string[] = [];
  const fetch = (url: string) => {
    asked.push(url);
    const prop = url.startsWith(ROOT) ? properties[new URL(url).pathname] : undefined;
    if (prop === undefined) return Promise.resolve(new Response(null, { status: 404 }));
    const body = `<multistatus xmlns="DAV:"><response><href>${new URL(url).pathname}</href><propstat><prop>${prop}` +
      "</prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>";
    return Promise.resolve(new Response(body, { status: 207 }));
  };
  const pace = { ...systemPace, random: () => 0.5 };
  return { asked, effects: { fetch, headers: {}, signal: new AbortController().signal, pace } };
}

const found = async (properties: Record<string, string>, url = ROOT) =>
  (await discover(serverOf(properties).effects, url)).map(({ url }) => url);

Deno.test("watch discovery: a calendar is itself; from a root it is the homes of who asks, each once", async () => {
  equal(await found({ "/work/": CALENDAR }, `${ROOT}work/`), [`${ROOT}work/`]);
  equal(await found({ "/": ALICE, "/alice/": homesOf("/a/", `${ROOT}b/`, "/a/"), "/a/": "", "/b/": "" }), [
    `${ROOT}a/`,
    `${ROOT}b/`,
  ]);
  equal(await found({ "/": homesOf("/a/"), "/a/": "" }), [`${ROOT}a/`]);
});

Deno.test("watch discovery: nobody of another origin is sent the password", async () => {
  const elsewhere = [
    "https://evil.example/a/",
    "//evil.example/a/",
    "https://evil@dav.example/a/",
    "http://dav.example/",
  ];
  const principal = `<current-user-principal><href>${elsewhere[0]}</href></current-user-principal>`;
  for (const properties of [{ "/": homesOf(...elsewhere) }, { "/": principal }]) {
    const { asked, effects } = serverOf(properties);
    const thrown = await discover(effects, ROOT).catch((thrown) => thrown);
    ok(thrown instanceof Refusal && /give --url of one/.test(thrown.message), `${thrown}`);
    equal([...new Set(asked)], [ROOT]);
  }
});

Deno.test("watch discovery: what is wrong is said with what to do", async () => {
  const { effects } = serverOf({});
  const thrown = await lookFirst(effects, ROOT).catch((thrown) => thrown);
  ok(thrown instanceof Refusal && /404: see --url$/.test(thrown.message), `${thrown}`);
  for (
    const [status, advice] of [[403, "see --user"], [405, "--url must be of a CalDAV"], [503, "DENO_CERT"]] as const
  ) {
    const refusing = { ...effects, fetch: () => Promise.resolve(new Response(null, { status })) };
    const { message } = await lookFirst(refusing, ROOT).catch((thrown) => thrown);
    ok(message.includes(`${status}: `) && message.includes(advice), message);
  }
  const nonsense = { ...effects, fetch: () => Promise.resolve(new Response("<nonsense", { status: 207 })) };
  ok(await discover(nonsense, ROOT).catch((thrown) => thrown) instanceof ReceiverError);
});
