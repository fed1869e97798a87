import fc from "fast-check";
import { SaxesParser } from "saxes";
import { find, parseXml, type XmlNode } from "../../../src/client/watch/xml.ts";
import { escapeXml } from "../../../src/client/watch/xml_text.ts";
import { ReceiverError } from "../../../src/client/receiver_error.ts";
import { equal, ok } from "../../helpers/assert.ts";

type Plain = { name: string; attributes: [string, string][]; text: string; children: Plain[] };

const plain = ({ name, attributes, text, children }: XmlNode): Plain => ({
  name,
  attributes: [...attributes].sort(),
  text,
  children: children.map(plain),
});

/** What another parser makes of it; undefined where it refuses. */
function parseOtherwise(document: string): Plain | undefined {
  const parser = new SaxesParser({ xmlns: true }), top: Plain = { name: "", attributes: [], text: "", children: [] };
  const open = [top], clark = (uri: string, local: string) => uri === "" ? local : `{${uri}}${local}`;
  let isBad = false;
  parser.on("error", () => isBad = true);
  parser.on("doctype", () => isBad = true);
  parser.on("text", (text) => void (open.length > 1 && (open.at(-1)!.text += text)));
  parser.on("cdata", (text) => void (open.at(-1)!.text += text));
  parser.on("opentag", ({ uri, local, attributes }) => {
    const own = Object.values(attributes).filter(({ name }) => name !== "xmlns" && !name.startsWith("xmlns:"));
    const named = own.map(({ uri, local, value }): [string, string] => [clark(uri, local), value]);
    const node = { name: clark(uri, local), attributes: named.sort(), text: "", children: [] };
    open.at(-1)!.children.push(node);
    open.push(node);
  });
  parser.on("closetag", () => void open.pop());
  parser.write(document).close();
  return isBad ? undefined : top.children[0];
}

/** The tree, or undefined for what is refused as it should be. */
function parse(document: string): Plain | undefined {
  try {
    return plain(parseXml(document));
  } catch (thrown) {
    if (thrown instanceof ReceiverError && thrown.code === "malformed") return undefined;
    throw thrown;
  }
}

const GOOD = `<?xml version="1.0" encoding="utf-8"?>
<!-- a -- b --><multistatus xmlns="DAV:" xmlns:P='urn:p'><?some thing?>
<P:a P:b="1 &amp;&#x41;&#10;2" c='>'>x<![CDATA[<&]]>y</P:a><b xmlns="">&lt;</b><c/></multistatus>
`.replace("a -- b", "a - b");

Deno.test("client xml: names, attributes, text, references, CDATA, comments and instructions are read as saxes reads them", () => {
  const tree = parse(GOOD);
  ok(tree !== undefined);
  equal(tree, parseOtherwise(GOOD)!);
  equal(tree.children.map(({ name }) => name), ["{urn:p}a", "b", "{DAV:}c"]);
  equal(tree.children[0], {
    name: "{urn:p}a",
    attributes: [["c", ">"], ["{urn:p}b", "1 &A\n2"]],
    text: "x<&y",
    children: [],
  });
});

Deno.test("client xml: what is not well-formed, or has a DTD, is refused", () => {
  const bad = [
    "",
    "<a>",
    "<a/><b/>",
    "</a>",
    "<a></b>",
    "<a><b></a></b>",
    "text<a/>",
    "<a/>text",
    "<a/>&#32;x",
    "<![CDATA[x]]><a/>",
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    "<!DOCTYPE a><a/>",
    "<a>&b;</a>",
    "<a>&amp</a>",
    "<a>&</a>",
    "<a>&#0;</a>",
    "<a>&#xD800;</a>",
    "<a>&#x110000;</a>",
    "<a>]]></a>",
    "<a>\0</a>",
    "<a>\uD800</a>",
    "<a b/>",
    "<a b=c/>",
    '<a b="<"/>',
    '<a b="1" b="2"/>',
    '<a xmlns:x="u" xmlns:y="u" x:b="1" y:b="2"/>',
    "<x:a/>",
    '<a x:b="1"/>',
    '<a xmlns:x=""/>',
    '<a xmlns:xmlns="u"/>',
    '<a xmlns:xml="u"/>',
    "<a:b:c/>",
    "<1/>",
    "< a/>",
    "<a><!-- -- --></a>",
    "<a><!-- --->",
    "<a><?xml version='1.0'?></a>",
    ' <?xml version="1.0"?><a/>',
    "<a><!--</a>",
    "<a><![CDATA[</a>",
    "<a><?b</a>",
  ];
  equal(bad.filter((document) => parse(document) !== undefined), []);
});

Deno.test("client xml: what is too deep, has too many elements or attributes, is refused, in little time", () => {
  const deep = "<a>".repeat(100_000) + "</a>".repeat(100_000), wide = `<a>${"<b/>".repeat(200_001)}</a>`;
  const many = `<a ${Array.from({ length: 101 }, (_, index) => `b${index}="1"`).join(" ")}/>`;
  const spaces = `<a${" ".repeat(1_000_000)}`, comment = `<a><!--${" -".repeat(1_000_000)}`;
  const since = performance.now();
  equal([deep, wide, many, spaces, comment].map(parse), [undefined, undefined, undefined, undefined, undefined]);
  ok(performance.now() - since < 5_000, `${performance.now() - since}`);
  const long = "x".repeat(1_000_000);
  equal(parse(`<a b="${long}">${long}<!--${long}--></a>`)?.text, long);
});

Deno.test("client xml: whatever text it is, it comes back as it was written", () => {
  // Of control characters a carriage return can be written, but is read as the end of a line.
  const text = fc.string({ unit: "binary" }).map((text) =>
    text.replace(/(?![\t\n\x7F-\x9F])\p{Cc}|[\uFFFE\uFFFF]/gu, "")
  );
  fc.assert(fc.property(text, (text) => {
    const root = parseXml(`<a><b>${escapeXml(text)}</b></a>`);
    equal(find(root, "b")?.text, text);
  }));
});

const PIECES = [
  ..."<>/&;\"'=: \nab",
  "<a",
  "</a>",
  "<a>",
  "<b/>",
  " xmlns='u'",
  " xmlns:x='v'",
  "x:",
  " b='1'",
  "<!--",
  "-->",
  "<![CDATA[",
  "]]>",
  "<?b",
  "?>",
  "&amp;",
  "&#65;",
  "<!DOCTYPE a>",
];

Deno.test("client xml: it takes what saxes takes, and refuses what saxes refuses", () => {
  const pieces = fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((all) => all.join(""));
  const mutated = fc.tuple(fc.nat(GOOD.length), fc.nat(8), fc.constantFrom(...PIECES)).map(([at, length, piece]) =>
    GOOD.slice(0, at) + piece + GOOD.slice(at + length)
  );
  fc.assert(
    fc.property(fc.oneof(pieces, pieces.map((inside) => `<a>${inside}</a>`), mutated), (document) => {
      // saxes trims namespaces, and takes a question mark into the name of an instruction.
      fc.pre(!/<\?[^\s?]*\?[^>]/.test(document));
      fc.pre(!/xmlns(:\w+)?\s*=\s*("[^"]*\s[^"]*"|'[^']*\s[^']*')/.test(document));
      equal(parse(document), parseOtherwise(document), document);
    }),
    { numRuns: 1_000 },
  );
});
