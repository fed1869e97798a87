import fc from "fast-check";
import { createRewriter } from "../../src/dav/multistatus.ts";
import { equal, ok } from "../helpers/assert.ts";

const PUSH = "https://bitfire.at/webdav-push";
const TOPIC = `{${PUSH}}topic`;
const GIVEN = `<P:topic xmlns:P="${PUSH}">t1</P:topic>`;
const CALENDAR = "{urn:ietf:params:xml:ns:caldav}calendar";

type Options = { asked?: string[]; hidden?: boolean; chunk?: number; qualifies?: (types: Set<string>) => boolean };

/** Rewrites a text in pieces; calendars have a topic. */
function rewrite(text: string, options: Options = {}) {
  const { asked = [TOPIC], hidden = false, chunk = text.length, qualifies = (types) => types.has(CALENDAR) } = options;
  const rewriter = createRewriter({
    asked: new Set(asked),
    hidden: new Set(hidden ? ["{DAV:}resourcetype"] : []),
    propertiesOf: ({ types }) => new Map(qualifies(types) ? [[TOPIC, GIVEN]] : []),
  });
  let out = "";
  for (let at = 0; at < text.length; at += chunk) out += rewriter.write(text.slice(at, at + chunk));
  return { out: out + rewriter.end(), failed: rewriter.hasFailed() };
}

/** One response of a server, in its own style; `@@` is where ours must be. */
const SERVERS: Record<string, [before: string, after: string]> = {
  "Radicale, without prefixes": [
    `<?xml version='1.0' encoding='utf-8'?>\n<multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:ns3="${PUSH}"><response><href>/alice/work/</href><propstat><prop><resourcetype><C:calendar /><collection /></resourcetype></prop><status>HTTP/1.1 200 OK</status></propstat><propstat><prop><ns3:topic /></prop><status>HTTP/1.1 404 Not Found</status></propstat></response></multistatus>`,
    `<?xml version='1.0' encoding='utf-8'?>\n<multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:ns3="${PUSH}"><response><href>/alice/work/</href><propstat><prop><resourcetype><C:calendar /><collection /></resourcetype>@@</prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>`,
  ],
  "Xandikos, with prefixes of its own": [
    `<ns0:multistatus xmlns:ns0="DAV:" xmlns:ns1="${PUSH}" xmlns:ns2="urn:ietf:params:xml:ns:caldav"><ns0:response><ns0:href>/alice/work/</ns0:href><ns0:propstat><ns0:status>HTTP/1.1 404 Not Found</ns0:status><ns0:prop><ns1:topic /><ns1:other/></ns0:prop></ns0:propstat><ns0:propstat><ns0:status>HTTP/1.1 200 OK</ns0:status><ns0:prop><ns0:resourcetype><ns2:calendar /></ns0:resourcetype></ns0:prop></ns0:propstat></ns0:response></ns0:multistatus>`,
    `<ns0:multistatus xmlns:ns0="DAV:" xmlns:ns1="${PUSH}" xmlns:ns2="urn:ietf:params:xml:ns:caldav"><ns0:response><ns0:href>/alice/work/</ns0:href><ns0:propstat><ns0:status>HTTP/1.1 404 Not Found</ns0:status><ns0:prop><ns1:other/></ns0:prop></ns0:propstat><ns0:propstat><ns0:status>HTTP/1.1 200 OK</ns0:status><ns0:prop><ns0:resourcetype><ns2:calendar /></ns0:resourcetype>@@</ns0:prop></ns0:propstat></ns0:response></ns0:multistatus>`,
  ],
  "sabre/dav, with blanks and lines": [
    `<?xml version="1.0"?>\r\n<d:multistatus xmlns:d="DAV:" xmlns:cal="urn:ietf:params:xml:ns:caldav">\r\n <d:response>\r\n  <d:href>/a%20b/</d:href>\r\n  <d:propstat>\r\n   <d:prop>\r\n    <d:resourcetype><d:collection/><cal:calendar/></d:resourcetype>\r\n   </d:prop>\r\n   <d:status>HTTP/1.1 200 OK</d:status>\r\n  </d:propstat>\r\n  <d:propstat>\r\n   <d:prop>\r\n    <x1:topic xmlns:x1="${PUSH}"/>\r\n   </d:prop>\r\n   <d:status>HTTP/1.1 404 Not Found</d:status>\r\n  </d:propstat>\r\n </d:response>\r\n</d:multistatus>\r\n`,
    `<?xml version="1.0"?>\r\n<d:multistatus xmlns:d="DAV:" xmlns:cal="urn:ietf:params:xml:ns:caldav">\r\n <d:response>\r\n  <d:href>/a%20b/</d:href>\r\n  <d:propstat>\r\n   <d:prop>\r\n    <d:resourcetype><d:collection/><cal:calendar/></d:resourcetype>\r\n   @@</d:prop>\r\n   <d:status>HTTP/1.1 200 OK</d:status>\r\n  </d:propstat>\r\n  \r\n </d:response>\r\n</d:multistatus>\r\n`,
  ],
  "return=minimal, which leaves out what is not found": [
    `<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:response><d:href>/</d:href><d:propstat><d:prop><d:resourcetype><c:calendar/></d:resourcetype></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>`,
    `<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:response><d:href>/</d:href><d:propstat><d:prop><d:resourcetype><c:calendar/></d:resourcetype>@@</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>`,
  ],
};

Deno.test("multistatus: what is nested without an end passes as it is, and costs next to nothing", () => {
  const text = `<multistatus xmlns="DAV:"><response>${"<a>".repeat(300_000)}`, started = performance.now();
  equal(rewrite(text, { chunk: 65_536 }), { out: text, failed: true });
  ok(performance.now() - started < 500);
});

for (const [server, [before, after]] of Object.entries(SERVERS)) {
  Deno.test(`multistatus: ${server}: ours is found, however the text is cut`, () => {
    const expected = { out: after.replace("@@", GIVEN), failed: false };
    for (const chunk of [before.length, 1, 2, 3, 7, 64]) equal(rewrite(before, { chunk }), expected);
  });

  Deno.test(`multistatus: ${server}: what does not qualify, or was not asked for, keeps every byte`, () => {
    for (const chunk of [before.length, 1, 5]) {
      equal(rewrite(before, { chunk, qualifies: () => false }).out, before);
      equal(rewrite(before, { chunk, asked: [] }).out, before);
    }
  });

  Deno.test(`multistatus: ${server}: a type that the client did not ask for is taken out again`, () => {
    const { out } = rewrite(before, { hidden: true });
    equal(out, after.replace(/<([^\s>]*)resourcetype>.*resourcetype>/, "").replace("@@", GIVEN));
  });
}

const wrap = (...responses: string[]) =>
  `<multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:P="${PUSH}">${
    responses.join("")
  }</multistatus>`;
const response = (...propstats: string[]) => `<response><href>/</href>${propstats.join("")}</response>`;
const propstat = (status: string, prop: string) => `<propstat>${prop}<status>HTTP/1.1 ${status}</status></propstat>`;
const all = { qualifies: () => true };

Deno.test("multistatus: where nothing was found a propstat of its own is made", () => {
  const made = `<T:propstat xmlns:T="DAV:"><T:prop>${GIVEN}</T:prop><T:status>HTTP/1.1 200 OK</T:status></T:propstat>`;
  const other = propstat("404 Not Found", "<prop><P:topic/><displayname/></prop>");
  equal(
    rewrite(wrap(response(other)), all).out,
    wrap(response(propstat("404 Not Found", "<prop><displayname/></prop>") + made)),
  );
  equal(
    rewrite(wrap(response(propstat("404 Not Found", "<prop><P:topic/></prop>"))), all).out,
    wrap(response(made)),
  );
});

Deno.test("multistatus: an empty prop is opened", () => {
  for (const empty of ["<prop/>", "<prop />", '<D:prop xmlns:D="DAV:" />']) {
    const { out } = rewrite(wrap(response(propstat("200 OK", empty))), all);
    const opened = empty.replace(/ *\/>$/, ">");
    const name = empty.startsWith("<D:") ? "D:prop" : "prop";
    equal(out, wrap(response(propstat("200 OK", `${opened}${GIVEN}</${name}>`))));
  }
});

Deno.test("multistatus: a server that has such properties of its own is left alone", () => {
  const text = wrap(response(propstat("200 OK", "<prop><P:topic>its own</P:topic></prop>")));
  equal(rewrite(text, all).out, text);
});

Deno.test("multistatus: a response about a status, or about several resources, is left alone", () => {
  for (
    const each of [
      "<response><href>/</href><status>HTTP/1.1 404 Not Found</status></response>",
      "<response><href>/</href><href>/b</href><status>HTTP/1.1 200 OK</status></response>",
      `<response><href>/</href><href>/b</href>${propstat("404 No", "<prop><P:topic/></prop>")}</response>`,
      "<response><href>/</href></response>",
      "<responsedescription>response</responsedescription>",
    ]
  ) {
    equal(rewrite(wrap(each), all), { out: wrap(each), failed: false });
  }
});

Deno.test("multistatus: names are read by their namespace, whatever they look like", () => {
  const text =
    `<x:multistatus xmlns:x="DAV:"><x:response xmlns="urn:other"><x:href>/</x:href><propstat><prop/></propstat>` +
    `<x:propstat><x:prop><topic/></x:prop><x:status>HTTP/1.1 404 No</x:status></x:propstat></x:response></x:multistatus>`;
  const { out } = rewrite(text, all);
  ok(out.includes("<topic/>") && out.includes("<propstat><prop/></propstat>") && out.includes(GIVEN));
});

/** What cannot be read to its end passes as it is. */
const BROKEN: Record<string, string> = {
  "nothing": "",
  "no XML": "<html><p>Internal Server Error",
  "JSON": '{"error": 1}',
  "a document type": `<!DOCTYPE a [<!ENTITY b "c">]>${wrap(response(propstat("200 OK", "<prop>&b;</prop>")))}`,
  "an entity that nobody knows": wrap(response(propstat("200 OK", "<prop>&b;</prop>"))),
  "tags that do not match": wrap(response("<propstat><prop></propstat></prop>")),
  "a prefix that nobody knows": wrap(response(propstat("200 OK", "<prop><no:topic/></prop>"))),
  "half of it": wrap(response(propstat("200 OK", "<prop><P:topic/></prop>"))).slice(0, 150),
  "half of a tag": wrap(response(propstat("200 OK", "<prop><P:topic/></prop>"))).slice(0, 119),
  "something behind its end": `${wrap()}<more/>`,
  "control characters": wrap(response(propstat("200 OK", "<prop>\u0001</prop>"))),
};

for (const [what, text] of Object.entries(BROKEN)) {
  Deno.test(`multistatus: ${what} passes as it is, and is known to have failed`, () => {
    for (const chunk of [Math.max(1, text.length), 1, 9]) {
      equal(rewrite(text, { chunk, ...all }), { out: text, failed: text !== "" });
    }
  });
}

Deno.test("multistatus: what was good before the fault was rewritten, the rest passes", () => {
  const good = response(propstat("200 OK", "<prop></prop>")), bad = "<response><href>/</wrong>";
  const text = wrap(good, bad, good);
  equal(rewrite(text, { ...all, chunk: 10 }).out, text.replace("<prop></prop>", `<prop>${GIVEN}</prop>`));
});

Deno.test("multistatus: of 20 MB a response at a time is held, and one that is too long passes", () => {
  const one = response(propstat("404 Not Found", "<prop><P:topic/></prop>")), long = "x".repeat(3 * 1024 * 1024);
  const rewriter = createRewriter({
    asked: new Set([TOPIC]),
    hidden: new Set(),
    propertiesOf: () => new Map([[TOPIC, GIVEN]]),
  });
  let waiting = 0, most = 0, given = 0;
  const write = (text: string) => {
    const out = rewriter.write(text);
    waiting += text.length - out.length;
    given += out.split(GIVEN).length - 1;
    most = Math.max(most, waiting);
  };
  write(wrap().replace("</multistatus>", ""));
  const chunk = one.repeat(500);
  for (let n = 0; n < 400; n++) write(chunk);
  equal(given, 200_000);
  const before = most;
  const tooLong = response(propstat("200 OK", `<prop><displayname>${long}</displayname></prop>`));
  for (let at = 0; at < tooLong.length; at += 65_536) write(tooLong.slice(at, at + 65_536));
  write(one);
  equal(given, 200_001);
  ok(before < 200_000 && most < 1_300_000, `${before} ${most}`);
});

Deno.test("multistatus: any text, however it is cut, loses nothing but what it says is not found", () => {
  const name = fc.constantFrom(
    "response",
    "propstat",
    "prop",
    "status",
    "href",
    "P:topic",
    "C:calendar",
    "resourcetype",
  );
  const piece = fc.oneof(
    name.map((name) => `<${name}>`),
    name.map((name) => `</${name}>`),
    name.map((name) => `<${name}/>`),
    fc.constantFrom(
      "HTTP/1.1 200 OK",
      "HTTP/1.1 404 Not Found",
      "/",
      " ",
      "<!-- < -->",
      "<![CDATA[<response>]]>",
      "&lt;",
    ),
    fc.string({ maxLength: 5 }),
  );
  const text = fc.array(piece, { maxLength: 30 }).map((pieces) => wrap(pieces.join("")));
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 40 }), (text, chunk) => {
      const whole = rewrite(text, all), cut = rewrite(text, { ...all, chunk });
      equal([cut.out, cut.failed], [whole.out, whole.failed]);
      equal(rewrite(text, { chunk, asked: [] }).out, text);
    }),
    { numRuns: 500 },
  );
});
