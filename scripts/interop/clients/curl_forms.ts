/** The forms of HTTP that proxies get wrong: lengths, chunks, Expect, compression, escapes, ranges, who one is. */
import { printEvent } from "../../lib/calendar.ts";
import type { Place } from "../kinds.ts";
import { type Ask, EVENT, XML } from "./curl_day.ts";
import * as documents from "./documents.ts";

/** Names as a client writes them, with escapes that a proxy must leave alone. */
const NAMES = ["a%20b.ics", "a%2Bb.ics", "%c3%a4.ics", "a;b=c.ics", "a@b.ics", "(a)'.ics"];

export async function askForms(place: Place, path: string, ask: Ask): Promise<void> {
  await sendBodies(path, ask);
  await readParts(path, ask);
  for (const name of NAMES) await useName(path, name, ask);
  await beOthers(place, path, ask);
}

async function sendBodies(path: string, ask: Ask): Promise<void> {
  const put = (name: string, headers: Record<string, string>, body: string) => ({
    method: "PUT",
    path: path + name,
    headers: { ...EVENT, ...headers },
    body,
    expect: [200, 201, 204],
  });
  const big = printEvent("big", "x".repeat(300_000));
  await ask("PUT with Expect", put("expect.ics", { expect: "100-continue" }, printEvent("expect", "Expect")));
  await ask("PUT a large event", put("big.ics", {}, big));
  await ask("GET a large event", { method: "GET", path: `${path}big.ics`, expect: [200] });
  await ask("PUT in chunks", put("chunks.ics", { "transfer-encoding": "chunked" }, printEvent("chunks", "Chunks")));
  await ask("PROPFIND in chunks", {
    method: "PROPFIND",
    path,
    headers: { ...XML, depth: "0", "transfer-encoding": "chunked" },
    body: documents.NAME,
    expect: [207],
  });
  await ask("PROPFIND without a body", { method: "PROPFIND", path, headers: { depth: "0" }, expect: [207] });
  await ask("POST to a collection", {
    method: "POST",
    path,
    headers: EVENT,
    body: printEvent("post", "Post"),
    expect: [201, 207, 403, 404, 405, 501],
  });
  await ask("POST of other XML", {
    method: "POST",
    path,
    headers: XML,
    body: "<other/>",
    expect: [400, 403, 404, 405, 415, 501],
  });
}

async function readParts(path: string, ask: Ask): Promise<void> {
  const item = `${path}1.ics`;
  await ask("GET a range", { method: "GET", path: item, headers: { range: "bytes=0-14" }, expect: [200, 206] });
  await ask("GET compressed", { method: "GET", path: `${path}big.ics`, flags: ["--compressed"], expect: [200] });
  await ask("PROPFIND compressed", {
    method: "PROPFIND",
    path,
    headers: { ...XML, depth: "1" },
    body: documents.NAME,
    flags: ["--compressed"],
    expect: [207],
  });
  const minimal = { ...XML, depth: "0", prefer: "return=minimal", brief: "t" };
  await ask("PROPFIND minimal", {
    method: "PROPFIND",
    path,
    headers: minimal,
    body: documents.COLLECTIONS,
    expect: [207],
  });
  const infinite = { ...XML, depth: "infinity" };
  await ask("PROPFIND infinity", {
    method: "PROPFIND",
    path,
    headers: infinite,
    body: documents.NAME,
    expect: [207, 403],
  });
  await ask("GET with a query", { method: "GET", path: `${item}?a=b%20c&d`, expect: [200] });
}

async function useName(path: string, name: string, ask: Ask): Promise<void> {
  const item = path + name;
  const body = printEvent(name, name);
  await ask(`PUT ${name}`, { method: "PUT", path: item, headers: EVENT, body, expect: [201, 204] });
  await ask(`GET ${name}`, { method: "GET", path: item, expect: [200] });
  await ask(`PROPFIND ${name}`, {
    method: "PROPFIND",
    path: item,
    headers: { ...XML, depth: "0" },
    body: documents.NAME,
    expect: [207],
  });
  await ask(`DELETE ${name}`, { method: "DELETE", path: item, expect: [200, 204] });
}

async function beOthers({ root }: Place, path: string, ask: Ask): Promise<void> {
  const find = { method: "PROPFIND", path, headers: { ...XML, depth: "0" }, body: documents.NAME };
  await ask("PROPFIND without a password", { ...find, anonymous: true, expect: [401] });
  await ask("PROPFIND with a wrong password", {
    ...find,
    anonymous: true,
    flags: ["-u", "alice:wrong"],
    expect: [401],
  });
  await ask("GET with dots", { method: "GET", path: `${path}../none/./x.ics`, expect: [400, 403, 404] });
  await ask("GET root", { method: "GET", path: root, expect: [200, 204, 301, 302, 303, 307, 308, 403, 404, 405, 501] });
  await ask("unknown method", { method: "CARILLON", path, expect: [400, 405, 501] });
  await ask("SEARCH", {
    method: "SEARCH",
    path,
    headers: XML,
    body: "<searchrequest xmlns='DAV:'/>",
    expect: [200, 207, 400, 403, 405, 501],
  });
  await ask("ACL", { method: "ACL", path, headers: XML, body: documents.ACL, expect: [200, 403, 405, 501] });
}
