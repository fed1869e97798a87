import fc from "fast-check";
import { findLink } from "../../src/client/subscribe.ts";
import { equal } from "../helpers/assert.ts";

const PUSH = "urn:ietf:params:push";

Deno.test("client subscribe: a link is found by its whole relation, however it is written", () => {
  const fields = [
    `</a>; rel="${PUSH}"`,
    `</a>;rel=${PUSH}`,
    `</b>; rel="${PUSH}:set", </a>; rel="${PUSH}"`,
    `</b>; rel="${PUSH}:set",</a>; REL="next ${PUSH}"; title="x"`,
    `</b>; title="a, </c>; rel=${PUSH}"; rel=next, </a>; title="; x"; rel="${PUSH}"`,
    `</a> ; rel = "${PUSH}"`,
  ];
  for (const field of fields) equal([field, findLink(field, PUSH)], [field, "/a"]);
  for (const field of ["", "/a", `</b>; rel="${PUSH}:set"`, `</b>; title="${PUSH}"`, "</b>"]) {
    equal([field, findLink(field, PUSH)], [field, undefined]);
  }
});

Deno.test("client subscribe: any field is a target or none, and soon", () => {
  const piece = fc.constantFrom("<", ">", ";", "rel", "=", '"', ",", " ", PUSH, "a");
  fc.assert(fc.property(fc.array(piece, { maxLength: 200 }), (pieces) => void findLink(pieces.join(""), PUSH)));
  for (const long of ["<".repeat(20_000), '<a>;a="'.repeat(5_000), "<a>" + ";a=a".repeat(20_000)]) findLink(long, PUSH);
});
