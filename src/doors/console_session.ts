/** Who may see the console: whoever has logged in with the admin token, from the console's own page. */
import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { CookieOptions } from "hono/utils/cookie";
import { createSessions, SESSION_COOKIE, SESSION_SECONDS } from "../access/sessions.ts";
import { CONSOLE } from "../console/page.tsx";
import { CarillonError } from "../errors.ts";
import { endSession, isEnded } from "../store/ended_sessions.ts";
import { type AdminHash, isAdminToken } from "./admin_token.ts";

/** What browsers call a page of the same origin (Fetch Metadata 2.4). */
const OWN = "same-origin";

/** What does nothing (RFC 9110 9.2.1). */
const READS = ["GET", "HEAD"];

/** RFC 9110 15.5.2 wants one, and there is none for a form. */
const CHALLENGE = { "www-authenticate": "Bearer" };

type Deps = { url: string; hashKey: string; adminHash: AdminHash; now: () => number; kv: Deno.Kv };

export type ConsoleSession = ReturnType<typeof createConsoleSession>;

/** `url` is the public origin. */
export function createConsoleSession({ url, hashKey, adminHash, now, kv }: Deps) {
  const sessions = createSessions({ hashKey, now }), { protocol, origin } = new URL(url);
  const isHttps = protocol === "https:", name = isHttps ? SESSION_COOKIE.https : SESSION_COOKIE.http;
  // The prefix wants the whole host.
  const cookie: CookieOptions = { path: isHttps ? "/" : CONSOLE, secure: isHttps, httpOnly: true, sameSite: "Strict" };

  /** Until when the caller's session is good, milliseconds since 1970; undefined where there is none. */
  async function find(c: Context): Promise<number | undefined> {
    const session = getCookie(c, name), hash = session === undefined ? undefined : await adminHash();
    const end = session === undefined || hash === undefined ? undefined : sessions.endOf(session, hash);
    return end === undefined || await isEnded(kv, session!) ? undefined : end;
  }

  /** Throws `missing_session` or `foreign_page`. */
  async function need(c: Context): Promise<number> {
    checkPage(c);
    const end = await find(c);
    if (end !== undefined) return end;
    throw new CarillonError("missing_session", "the request was refused: nobody is logged in, or no longer", CHALLENGE);
  }

  /** Throws `foreign_page`, and `invalid_token` for what is not the admin token. */
  async function begin(c: Context, token: string): Promise<void> {
    checkPage(c);
    const hash = await adminHash();
    if (hash === undefined || !isAdminToken(token, hash)) {
      throw new CarillonError("invalid_token", "the admin token was refused at the console", CHALLENGE);
    }
    setCookie(c, name, sessions.make(hash), { ...cookie, maxAge: SESSION_SECONDS });
  }

  /** Wherever else its cookie is, it is good no more. Throws `foreign_page`, and what the store throws. */
  async function end(c: Context): Promise<void> {
    checkPage(c);
    const until = await find(c);
    if (until !== undefined) await endSession(kv, getCookie(c, name)!, until - now());
    deleteCookie(c, name, cookie);
  }

  /**
   * A page of another origin of this host is sent with the cookie, too. Browsers that name no site do so over plain HTTP
   * alone; what another page then gets so it cannot read.
   */
  function checkPage(c: Context): void {
    const site = c.req.header("sec-fetch-site"), from = c.req.header("origin");
    const isOwn = site === undefined
      ? from === undefined ? READS.includes(c.req.method) : from === origin
      : site === OWN;
    if (isOwn) return;
    throw new CarillonError(
      "foreign_page",
      `the request was refused: it comes from another page than ${url}${CONSOLE}`,
    );
  }

  return { find, need, begin, end };
}
