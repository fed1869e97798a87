import fc from "fast-check";
import { askForMore, readPropfind } from "../../src/dav/propfind.ts";
import { equal } from "../helpers/assert.ts";

const read = (text: string) => readPropfind(new TextEncoder().encode(text));
const askedOf = (text: string) => read(text)?.asked;

Deno.test("propfind: the names are read by their namespaces, whatever they look like", () => {
  const names = new Set(["{DAV:}resourcetype", "{https://bitfire.at/webdav-push}topic"]);
  for (
    const text of [
      `<propfind xmlns="DAV:"><prop><resourcetype/><topic xmlns="https://bitfire.at/webdav-push"/></prop></propfind>`,
      `<?xml version="1.0" encoding="UTF-8"?>\r\n<D:propfind xmlns:D="DAV:" xmlns:P="https://bitfire.at/webdav-push">\r\n<D:prop>\r\n<D:resourcetype/><P:topic></P:topic></D:prop></D:propfind>`,
      `\ufeff<a:propfind xmlns:a='DAV:'><!-- <b/> --><a:prop x="1"><a:resourcetype/><b:topic xmlns:b="https://bitfire.at/webdav-push"/></a:prop></a:propfind>`,
    ]
  ) {
    equal(askedOf(text), names);
  }
});

Deno.test("propfind: allprop, propname and what is no PROPFIND are left alone", () => {
  for (
    const text of [
      "",
      " ",
      `<propfind xmlns="DAV:"><allprop/></propfind>`,
      `<propfind xmlns="DAV:"><allprop/><include><a/></include></propfind>`,
      `<propfind xmlns="DAV:"><propname/></propfind>`,
      `<propfind xmlns="DAV:"><prop/></propfind>`,
      `<propfind><prop><a/></prop></propfind>`,
      `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a/></D:prop></D:set></D:propertyupdate>`,
      `<propfind xmlns="DAV:"><prop><a></prop></propfind>`,
      `<propfind xmlns="DAV:"><prop><a/></prop>`,
      `<propfind xmlns="DAV:"><prop><b:a/></prop></propfind>`,
      `<!DOCTYPE propfind [<!ENTITY a "b">]><propfind xmlns="DAV:"><prop><c/>&a;</prop></propfind>`,
      `<!DOCTYPE propfind><propfind xmlns="DAV:"><prop><c/></prop></propfind>`,
      "{}",
    ]
  ) {
    equal(read(text), undefined, text);
  }
  equal(readPropfind(Uint8Array.of(0xff, 0xfe, 0x3c, 0)), undefined);
});

Deno.test("propfind: more is asked for beside what was, which keeps its bytes", () => {
  const text = `<D:propfind xmlns:D="DAV:">\n <D:prop>\n  <D:displayname/>\n </D:prop>\n</D:propfind>\n`;
  const more = new TextDecoder().decode(askForMore(read(text)!, ["{DAV:}resourcetype", "{DAV:}getetag"]));
  const inserted = `<T:resourcetype xmlns:T="DAV:"/><T:getetag xmlns:T="DAV:"/>`;
  equal(more, text.replace("<D:prop>", `<D:prop>${inserted}`));
  equal(askedOf(more), new Set(["{DAV:}resourcetype", "{DAV:}getetag", "{DAV:}displayname"]));
});

Deno.test("propfind: any bytes are read or left alone", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "<propfind",
      ' xmlns="DAV:"',
      ">",
      "<prop>",
      "</prop>",
      "</propfind>",
      "<a/>",
      "/>",
      "<!DOCTYPE a>",
    ),
    fc.string({ maxLength: 6 }),
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => void read(pieces.join(""))));
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void readPropfind(bytes)));
});
