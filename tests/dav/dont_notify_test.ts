import fc from "fast-check";
import { parseDontNotify, readDontNotify } from "../../src/dav/dont_notify.ts";
import { ownerOf } from "../../src/dav/principal.ts";
import { equal } from "../helpers/assert.ts";
import { subscription } from "../helpers/engine.ts";

Deno.test("dont notify: quoted addresses, or all", () => {
  equal(parseDontNotify('"https://a/1"'), ["https://a/1"]);
  equal(parseDontNotify(' "https://a/1" ,"https://a/2", "https://a/3"'), ["https://a/1", "https://a/2", "https://a/3"]);
  for (const field of ["*", " * ", '"https://a/1", *']) equal(parseDontNotify(field), "*");
});

Deno.test("dont notify: what is invalid is ignored", () => {
  for (const field of ["", "https://a/1", '"https://a/1', "**", "<https://a/1>", ","]) {
    equal(parseDontNotify(field), []);
  }
  fc.assert(fc.property(fc.string(), (field) => void parseDontNotify(field)));
});

Deno.test("dont notify: only the writer's own registrations are left out, byte for byte", async () => {
  const origin = "https://dav.example", alice = ownerOf(origin, "/alice/");
  const mine = subscription("mine", ["a"], { owner: alice });
  const subscriptions = {
    get: (owner: string, id: string) =>
      owner === alice && id === mine.id
        ? Promise.resolve({ subscription: mine })
        : Promise.reject(new Error("not found")),
  };
  const read = (field: string | undefined, principal?: string) =>
    readDontNotify(field, principal, { subscriptions, origin });
  const location = `${origin}/-/registrations/${mine.id}`;
  equal(await read(`"${location}", "${origin}/-/registrations/other"`, "/alice/"), [mine.id]);
  equal([await read("*", "/alice/"), await read("*", "/bob/")], [[alice], [ownerOf(origin, "/bob/")]]);
  equal(await read(`"${location}"`, "/bob/"), []);
  for (const field of [`"${location}x"`, `"${location.replace("https", "HTTPS")}"`, `"${mine.id}"`, undefined]) {
    equal(await read(field, "/alice/"), []);
  }
  equal(await read(`"${location}"`, undefined), []);
});
