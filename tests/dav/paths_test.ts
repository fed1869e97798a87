import fc from "fast-check";
import { canonicalPath, parentOf } from "../../src/dav/paths.ts";
import { equal } from "../helpers/assert.ts";

Deno.test("paths: one resource has one path, however it is written", () => {
  const same = ["/a%40b/c%20d/", "/a@b/c%20d/", "/%61@b/c%20d/", "https://dav.example/a@b/c%20d/?q", "/a@b/c%20d/#f"];
  equal(new Set(same.map(canonicalPath)), new Set(["/a%40b/c%20d/"]));
  equal(["/", "", "https://dav.example", "*", "/a%2Fb", "/%zz/%", "//x"].map(canonicalPath), [
    "/",
    "/",
    "/",
    "*",
    "/a%2Fb",
    "/%zz/%",
    "//x",
  ]);
});

Deno.test("paths: what was made one stays it", () => {
  fc.assert(fc.property(fc.webUrl({ withQueryParameters: true }), (url) => {
    const path = canonicalPath(url);
    equal(canonicalPath(path), path);
  }));
});

Deno.test("paths: what a resource is in", () => {
  equal(["/a/b/c.ics", "/a/b/", "/a/", "/", "/a"].map(parentOf), ["/a/b/", "/a/", "/", "/", "/"]);
});
