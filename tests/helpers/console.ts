/** A worker with a console, and a browser's part in it: forms from its own page, and the cookie that it keeps. */
import { equal } from "./assert.ts";
import { type TestWorker, testWorker } from "./worker.ts";

export const ADMIN_TOKEN = "the-admin-token-of-the-console-tests";

/** Starts one whose admin token is known. */
export function consoleWorker({ env, ...options }: Parameters<typeof testWorker>[0] = {}): Promise<TestWorker> {
  return testWorker({ env: { CARILLON_ADMIN_TOKEN: ADMIN_TOKEN, ...env }, ...options });
}

type Asked = { cookie?: string; headers?: Record<string, string>; method?: string };

/** Asks as the console's own page does. */
export async function ask(url: string, path: string, { cookie, headers, method }: Asked = {}) {
  const given = { "sec-fetch-site": "same-origin", ...(cookie && { cookie }), ...headers };
  return await readAll(await fetch(`${url}/-/console${path}`, { headers: given, method, redirect: "manual" }));
}

/** Posts a form as the console's own page does. */
export async function post(url: string, path: string, form: BodyInit, { cookie, headers = {} }: Asked = {}) {
  const given = { "sec-fetch-site": "same-origin", ...(cookie && { cookie }), ...headers };
  const init = { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded", ...given } };
  return await readAll(await fetch(`${url}/-/console${path}`, { ...init, body: form, redirect: "manual" }));
}

async function readAll(response: Response) {
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Logs in, and answers the cookie. */
export async function login(url: string, token = ADMIN_TOKEN): Promise<string> {
  const { status, headers } = await post(url, "/login", `token=${encodeURIComponent(token)}`);
  equal([status, headers.get("location")], [303, "/-/console"]);
  return headers.get("set-cookie")!.split(";")[0]!;
}
