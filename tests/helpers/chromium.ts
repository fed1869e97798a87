/** A real browser, Debian's Chromium, and a page in it that listens with `EventSource`. */
import { type Browser, chromium } from "playwright-core";
import { COOKIE } from "../../src/access/credentials.ts";
import { HUB_PATH } from "../../src/app.ts";

const PATH = "/usr/bin/chromium";

/** Milliseconds. Chromium waits 3 s before it connects again. */
const DEADLINE = 15_000;

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-proxy-server",
  // No name but this one, and that without a detour by ::1, where nobody listens.
  "--host-resolver-rules=MAP localhost 127.0.0.1, MAP * ~NOTFOUND",
];

/** Throws where there is none. */
export async function findChromium(): Promise<string> {
  await Deno.stat(PATH);
  return PATH;
}

/**
 * Starts one with an empty profile of its own, spoken to by a pipe: it listens nowhere, and ends by itself when this
 * process dies. `await using` closes it and waits for its end.
 */
export function startChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, headless: true, args: ARGS, timeout: DEADLINE });
}

/** `at` is the page's own clock, milliseconds. */
export type Heard = { type: "message" | "lost"; id: string; data: string; at: number };

export type PageServer = ReturnType<typeof servePage>;
export type Listener = Awaited<ReturnType<PageServer["open"]>>;

/** Serves tests/fixtures/listener.html from an origin of its own, as an application does that is not Carillon. */
export function servePage() {
  const tokens: (string | undefined)[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async ({ url }) => {
    const html = await Deno.readTextFile(new URL("../fixtures/listener.html", import.meta.url));
    // Chromium asks for /favicon.ico too: that answer must not change a page's cookie.
    const token = tokens[Number(new URL(url).pathname.slice(1))];
    return new Response(html, {
      headers: { "content-type": "text/html", ...(token && { "set-cookie": bake(token) }) },
    });
  });
  const origin = `http://localhost:${server.addr.port}`;

  /** Opens the page with cookies of its own; signed in when there is a token. It listens to `stream`, an address. */
  async function open(browser: Browser, stream: string, token?: string) {
    const page = await browser.newPage();
    page.setDefaultTimeout(DEADLINE);
    const number = tokens.push(token) - 1;
    await page.goto(`${origin}/${number}?${new URLSearchParams({ stream })}`);

    const heard = (): Promise<Heard[]> => page.evaluate("heard");

    async function untilState(state: "CONNECTING" | "OPEN" | "CLOSED"): Promise<void> {
      await page.waitForFunction(`source.readyState === EventSource.${state}`);
    }

    /** Resolves with all that was heard when the condition holds; throws at the deadline with what was heard so far. */
    async function until(condition: (events: Heard[]) => boolean): Promise<Heard[]> {
      let events = await heard();
      for (; !condition(events); events = await heard()) {
        await page.waitForFunction(`heard.length > ${events.length}`).catch((cause) => {
          throw new Error(`the page has not heard it in time: ${JSON.stringify(events)}`, { cause });
        });
      }
      return events;
    }

    return { heard, until, untilState };
  }

  return { origin, open, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** What an application sends. Chromium takes Secure, and so the prefix, from http://localhost, and knows no ports. */
function bake(token: string): string {
  return `${COOKIE}=${token}; Path=${HUB_PATH}; Secure; HttpOnly; SameSite=Strict`;
}
