import fc from "fast-check";
import { createSessions, SESSION_SECONDS } from "../../src/access/sessions.ts";
import { equal } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";

const HASH = "the hash of an admin token";

Deno.test("sessions: one is good until its end, by the same key and admin token alone", () => {
  const clock = manualClock(), ours = createSessions({ hashKey: "a key", ...clock });
  const others = createSessions({ hashKey: "another key", ...clock });
  const session = ours.make(HASH), end = clock.now() + 1000 * SESSION_SECONDS;
  equal([ours.endOf(session, HASH), createSessions({ hashKey: "a key", ...clock }).endOf(session, HASH)], [end, end]);
  equal([others.endOf(session, HASH), ours.endOf(session, "of a new one")], [undefined, undefined]);
  clock.advance(1000 * SESSION_SECONDS - 1);
  equal(ours.endOf(session, HASH), end);
  clock.advance(1);
  equal(ours.endOf(session, HASH), undefined);
});

Deno.test("sessions: one that was changed anywhere, or made up, is none", () => {
  const ours = createSessions({ hashKey: "a key", now: () => 0 }), session = ours.make(HASH);
  const position = fc.nat({ max: session.length - 1 }), character = fc.constantFrom(..."abcXYZ019-_ .=/é");
  fc.assert(fc.property(position, character, (at, character) => {
    const changed = session.slice(0, at) + character + session.slice(at + 1);
    equal(ours.endOf(changed, HASH) !== undefined, changed === session);
  }));
  // Ended by its text, it must not come back by another one.
  equal(ours.endOf(`0${session}`, HASH), undefined);
  const text = fc.oneof(fc.string(), fc.stringMatching(/^\d{1,20}\.[\w-]{43}$/));
  fc.assert(fc.property(text, (made) => equal(ours.endOf(made, HASH), undefined)));
});
