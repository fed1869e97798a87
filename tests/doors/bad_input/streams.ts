/** Bad subscriptions of the Mercure protocol, and addresses and methods that are none. */
import { HUB, type Row } from "../../helpers/bad_input.ts";
import { grant } from "../../helpers/tokens.ts";

const pattern = (text: string) => `match_urlpattern=${encodeURIComponent(text)}`;
const publisher = [grant(["publish"], [{ match: "*" }])];

/** Refused as matchers, whatever the rest of the query is. */
const QUERIES: Record<string, string> = {
  "no matcher": "last_event_id=earliest",
  "no query": "",
  "an empty matcher": "match=",
  "the parameter matchExact": "match=a&matchExact=a",
  "the parameter MATCH": "match=a&MATCH=a",
  "the parameter match_regexp": "match=a&match_regexp=a",
  "the parameter matches": "match=a&matches=a",
  "a matcher with a control character": "match=a%0Ab",
  "a matcher with a format character": "match=a%E2%80%8B",
  "a pattern with a control character": pattern("/a\u007f*"),
  "a pattern that does not compile": pattern("https://["),
  "a pattern that costs too much": pattern("https://dav.example/{(a|a)}*y"),
  "a pattern that is too long": pattern(`/${"a".repeat(512)}`),
  "an overlong matcher": `match=${"a".repeat(1025)}`,
  "101 matchers": "match=a&".repeat(101),
  "11 patterns": `${pattern("/*")}&`.repeat(11),
};

export const STREAMS: Row[] = [
  [
    "a token that may only publish",
    403,
    "insufficient_scope",
    async (k) => k.listen("match=a", await k.token(publisher)),
  ],
  ["a token without a grant", 403, "insufficient_scope", async (k) => k.listen("match=a", await k.token([]))],
  ...Object.entries(QUERIES).map(([what, query]): Row => [what, 400, "bad_matcher", (k) => k.listen(query)]),
  ["a matcher that is not UTF-8", 400, "bad_request", (k) => k.listen("match=%FF")],
  ["a name that is not UTF-8", 400, "bad_request", (k) => k.listen("match=a&%C3=a")],
  ["an id with a control character", 400, "bad_cursor", (k) => k.listen("match=a&last_event_id=a%00")],
  ["an overlong id", 400, "bad_cursor", (k) => k.listen(`match=a&last_event_id=${"i".repeat(1025)}`)],
];

const METHODS: Record<string, string[]> = {
  "/-/events": ["GET", "PUT"],
  "/-/gateway": ["GET", "PUT", "DELETE"],
  [HUB]: ["PUT", "PATCH", "DELETE"],
  "/-/healthy": ["POST"],
  "/-/ready": ["POST"],
  "/-/metrics": ["POST"],
};

export const ADDRESSES: Row[] = [
  ...["/", "/-/", "/-/nothing", "/-/events/", "/.well-known/mercure/subscriptions", "/%ff", "//-/healthy"]
    .map((path): Row => [path, 404, "not_found", (k) => k.send(path)]),
  ...Object.entries(METHODS).flatMap(([path, methods]) =>
    methods.map((method): Row => [`${method} ${path}`, 405, "method_not_allowed", (k) => k.send(path, { method })])
  ),
];
