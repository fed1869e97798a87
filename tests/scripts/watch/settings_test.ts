import { Refusal, UsageError } from "../../../scripts/lib/command.ts";
import { findHeaders, findToken, isInTheClear } from "../../../scripts/watch/credentials.ts";
import { findSecret } from "../../../scripts/watch/secret.ts";
import { readSettings } from "../../../scripts/watch/settings.ts";
import { equal, ok, throws } from "../../helpers/assert.ts";

const { signal } = new AbortController();
const ALL = { url: "https://dav.example/alice/", exec: "sync", timeout: "10m" };

/** What a promise is rejected with. */
const thrownBy = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(() => new Error("nothing"), (thrown) => thrown);

Deno.test("watch settings: what is left out has a default", () => {
  const { url, command, timeout, pushService } = readSettings(ALL, {});
  equal([url, command, timeout, pushService], [ALL.url, "sync", 600_000, "https://dav.example"]);
  equal(readSettings({ ...ALL, "push-service": "https://push.example/" }, {}).pushService, "https://push.example");
});

Deno.test("watch settings: what is not understood is refused, and no password in it is shown", () => {
  for (
    const wrong of [
      { url: undefined },
      { url: "dav.example" },
      { url: "ftp://dav.example/" },
      { exec: undefined },
      { exec: " " },
      { timeout: "soon" },
      { timeout: "0s" },
      { timeout: "25d" },
      { user: "" },
      { user: "a:b" },
      { "push-service": "push" },
      { "password-file": "a", "password-command": "b" },
      { "token-file": "a", "token-command": "b" },
    ]
  ) throws(() => readSettings({ ...ALL, ...wrong }, {}), UsageError);
  try {
    readSettings({ ...ALL, url: "https://alice:hidden@dav.example/" }, {});
  } catch (thrown) {
    ok(thrown instanceof UsageError && !thrown.message.includes("hidden"));
    return;
  }
  throw new Error("it was taken");
});

Deno.test("watch settings: a secret comes from a file, a command or a variable, without its last line end", async () => {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "pass word \n");
  equal(await findSecret("--password", { file, variable: "other" }, signal), "pass word ");
  equal(await findSecret("--password", { command: `cat ${file}` }, signal), "pass word ");
  equal(await findSecret("--password", { variable: "pass" }, signal), "pass");
  equal(await findSecret("--password", { variable: "" }, signal), undefined);
  await Deno.remove(file);
});

Deno.test("watch settings: a source that gives nothing is refused with what to do", async () => {
  for (
    const [source, said] of [
      [{ file: "/nowhere" }, "--password-file was not read: /nowhere"],
      [{ command: "echo hidden; exit 4" }, "--password-command ended with 4: run it by hand"],
      [{ command: "true" }, "--password-command gave nothing"],
    ] as const
  ) {
    const thrown = await thrownBy(findSecret("--password", source, signal));
    ok(
      thrown instanceof Refusal && thrown.message.startsWith(said) && !thrown.message.includes("hidden"),
      thrown.message,
    );
  }
});

Deno.test("watch settings: a name and a password are Basic in UTF-8, and neither goes alone", async () => {
  const headersOf = (more: Record<string, string>, password?: string) =>
    findHeaders(readSettings({ ...ALL, ...more }, password ? { CARILLON_PASSWORD: password } : {}), signal);
  // RFC 7617 2.1 has this example.
  equal(await headersOf({ user: "test" }, "123£"), { authorization: "Basic dGVzdDoxMjPCow==" });
  equal(await headersOf({}), {});
  for (const alone of [headersOf({ user: "test" }), headersOf({}, "123")]) {
    ok(await thrownBy(alone) instanceof UsageError);
  }
});

Deno.test("watch settings: a token is one, and is not shown", async () => {
  equal(await findToken({ variable: "a.b-c_d" }, signal), "a.b-c_d");
  const thrown = await thrownBy(findToken({ variable: "hidden\r\nCookie: a" }, signal));
  ok(thrown instanceof Refusal && !thrown.message.includes("hidden"), thrown.message);
});

Deno.test("watch settings: a password that goes in the clear to another machine is one to warn of", () => {
  const isWarned = (url: string, user?: string) => isInTheClear(readSettings({ ...ALL, url, user }, {}));
  equal(isWarned("http://dav.example/", "alice"), true);
  equal(
    [isWarned("http://dav.example/"), isWarned("https://dav.example/", "alice"), isWarned("http://[::1]:1/", "alice")],
    [false, false, false],
  );
});
