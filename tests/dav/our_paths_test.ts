import { isOurs, isRegistration } from "../../src/dav/our_paths.ts";
import { equal } from "../helpers/assert.ts";

const HUB = "/.well-known/mercure";

Deno.test("our paths: the doors, the hub and its metadata are ours, with or without a query", () => {
  const paths = [
    HUB,
    `${HUB}/subscriptions`,
    `${HUB}/subscriptions/exact/a/b`,
    `/.well-known/oauth-protected-resource${HUB}`,
    "/-/events",
  ];
  for (const path of [...paths, "/-/"]) {
    for (const target of [path, `${path}?a=b`, `http://dav.example${path}`]) equal(isOurs(target), true, target);
  }
});

Deno.test("our paths: everything else is the DAV server's", () => {
  const paths = [
    "/",
    "/-",
    "/alice/-/",
    "/.well-known/caldav",
    `${HUB}x`,
    `${HUB}/x`,
    `${HUB}/subscriptionsx`,
    `/dav${HUB}`,
    "/.well-known/oauth-protected-resource",
    `/.well-known/oauth-protected-resource${HUB}/x`,
    "/?a=/-/",
  ];
  for (const path of paths) equal(isOurs(path), false, path);
});

Deno.test("our paths: registrations are asked with the DAV server's credentials", () => {
  for (const path of ["/-/registrations", "/-/registrations/a"]) {
    equal([isRegistration(path), isOurs(path)], [true, false]);
  }
  equal([isRegistration("/-/registrationsx"), isOurs("/-/registrationsx")], [false, true]);
});
