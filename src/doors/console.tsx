/** `/-/console`: what goes on at this worker, a test ring, and what is heard of it; for whoever has the admin token. */
import { type Context, type Handler, type MiddlewareHandler } from "hono";
import type { Broker } from "../broker/broker.ts";
import type { FiguresReader } from "../console/figures.ts";
import { CONSOLE, ConsolePage, FiguresPart, LoginPage } from "../console/page.tsx";
import { asCarillonError, CarillonError } from "../errors.ts";
import { compileMatcher, matcherText } from "../model/matcher.ts";
import { checkTopic } from "../model/topic.ts";
import { parseUrlencoded } from "../wire/urlencoded.ts";
import type { AdminHash } from "./admin_token.ts";
import { checkType, readText } from "./body.ts";
import { CONSOLE_FILES, consoleFileDoor } from "./console_files.ts";
import { type ConsoleSession, createConsoleSession } from "./console_session.ts";
import type { Refused } from "./refused.ts";
import { type Routes, STREAM_HEADERS, type StreamEnv } from "./stream.ts";

/** A topic of 1,024 characters, each of them escaped. */
const MAX_FORM_BYTES = 16 * 1024;

/** Nothing runs, or is shown, that is not ours; nobody frames it, and nothing of it is kept. */
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; " +
    "base-uri 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  // Without it a form would say that it comes from nowhere.
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
};

type Deps = Pick<Broker, "publish" | "seats" | "announce" | "admit" | "hashKey"> & {
  kv: Deno.Kv;
  url: string;
  hubUrl: string;
  adminHash: AdminHash;
  now: () => number;
  figures: FiguresReader;
  refused: Refused;
};

/** Only where it has its origin for itself: see `consoleOffDoor`. To be mounted before what lets other origins in. */
export function mountConsole(app: Routes, deps: Deps): void {
  const session = createConsoleSession(deps), given = { ...deps, session };
  app.use(`${CONSOLE}/*`, withHeaders);
  app.get(CONSOLE, pageDoor(given));
  // Where a person lands who reloads after a wrong token, or ends the address with a slash.
  for (const path of ["/", "/login"]) app.get(CONSOLE + path, (c) => c.redirect(CONSOLE, 303));
  app.post(`${CONSOLE}/login`, loginDoor(given));
  app.post(`${CONSOLE}/logout`, logoutDoor(given));
  app.get(`${CONSOLE}/figures`, figuresDoor(given));
  app.post(`${CONSOLE}/ring`, ringDoor(given));
  app.get(`${CONSOLE}/listen`, listenDoor(given));
  // One by one: a pattern beside the paths above would cost every door its fast router.
  for (const name of CONSOLE_FILES) app.get(`${CONSOLE}/${name}`, consoleFileDoor(name));
}

/** Where the DAV server's pages have our origin, they could do with a session whatever its owner may. */
export const consoleOffDoor: Handler = () => {
  throw new CarillonError(
    "not_found",
    "the console is off: the DAV door has its origin; set CARILLON_DAV_URL to a host of its own",
  );
};

type Given = Deps & { session: ConsoleSession };

const withHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  for (const [name, value] of Object.entries(HEADERS)) c.header(name, value);
  if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
};

function pageDoor({ session, figures }: Given): Handler {
  return async (c) => {
    const isOpen = await session.find(c) !== undefined;
    return answerPage(c, isOpen ? <ConsolePage figures={await figures.read()} /> : <LoginPage />);
  };
}

function answerPage(c: Context, page: unknown, status: 200 | 401 = 200): Response {
  return c.html(`<!doctype html>${page}`, status);
}

/** 303 to the page; 401 and the form again for a wrong token. */
function loginDoor({ session, refused }: Given): Handler {
  return async (c) => {
    const token = (await readForm(c)).get("token") ?? "";
    try {
      await session.begin(c, token);
    } catch (thrown) {
      if (asCarillonError(thrown).code !== "invalid_token") throw thrown;
      refused(thrown, c.req.path);
      return answerPage(c, <LoginPage fault="This is not the admin token of this worker." />, 401);
    }
    return c.redirect(CONSOLE, 303);
  };
}

function logoutDoor({ session }: Given): Handler {
  return async (c) => {
    await session.end(c);
    return c.redirect(CONSOLE, 303);
  };
}

function figuresDoor({ session, figures }: Given): Handler {
  return async (c) => {
    await session.need(c);
    return c.html(`${<FiguresPart figures={await figures.read()} />}`);
  };
}

/** 202 after the commit. It is private, as a calendar server's own changes are. */
function ringDoor({ session, publish, hubUrl, now }: Given): Handler {
  return async (c) => {
    await session.need(c);
    const form = await readForm(c);
    const topic = checkTopic(form.get("topic") ?? "", hubUrl), priority = readPriority(form.get("priority") ?? "");
    const content = { depth: "1" as const, except: [] };
    const [id] = await publish({ changes: [{ topics: [topic], private: true, priority, timestamp: now(), content }] });
    return c.json({ id }, 202);
  };
}

function readPriority(text: string): number {
  if (/^\d{1,3}$/.test(text) && Number(text) <= 100) return Number(text);
  throw new CarillonError("bad_request", "the ring was refused: its priority is no number from 0 to 100");
}

async function readForm(c: Context): Promise<Map<string, string>> {
  checkType(c, "application/x-www-form-urlencoded");
  return new Map(parseUrlencoded(await readText(c, MAX_FORM_BYTES)));
}

/** An event stream of all that matches, until the session ends; of new events alone. */
function listenDoor({ session, seats, announce, admit, hubUrl }: Given): Handler<{ Bindings: StreamEnv }> {
  return async (c) => {
    const expiresAt = await session.need(c);
    seats.check();
    const matchers = [compileMatcher(matcherText(c.req.query("match") ?? ""), hubUrl)];
    if (c.req.method !== "HEAD") {
      await announce(matchers);
      c.env.open = admit({ matchers, rights: "console", mayRead: () => true }, { lost: false, expiresAt });
    }
    return c.body(null, 200, STREAM_HEADERS);
  };
}
