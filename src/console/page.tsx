/** The pages: one to log in, one for who is. */
import { Details } from "./details.tsx";
import type { Figures } from "./figures.ts";
import { Now } from "./now.tsx";

/** Where the console is. */
export const CONSOLE = "/-/console";

const EXAMPLE = "https://example.com/calendars/alice/work/";

function Page({ isOpen = false, children }: { isOpen?: boolean; children: unknown }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Carillon console</title>
        <link rel="icon" href={`${CONSOLE}/icon.svg`} />
        <link rel="stylesheet" href={`${CONSOLE}/console.css`} />
        {isOpen && <script type="module" src={`${CONSOLE}/console.js`}></script>}
      </head>
      <body>{children}</body>
    </html>
  );
}

/** `fault`: why nobody was let in. */
export function LoginPage({ fault }: { fault?: string }) {
  return (
    <Page>
      <main class="login">
        <h1>Carillon console</h1>
        <form class="panel" method="post" action={`${CONSOLE}/login`}>
          <input name="username" autocomplete="username" value="admin" hidden />
          <label for="token">Admin token</label>
          <input
            id="token"
            name="token"
            type="password"
            required
            autofocus
            autocomplete="current-password"
            aria-describedby={fault === undefined ? "hint" : "fault hint"}
            {...(fault !== undefined && { "aria-invalid": "true" })}
          />
          {fault !== undefined && <p id="fault" class="bad" role="alert">{fault}</p>}
          <button type="submit">Log in</button>
          <p id="hint" class="note">
            It is CARILLON_ADMIN_TOKEN. Where that is not set it was shown at the first start, and{" "}
            <code>deno task token --admin</code> on the worker’s machine makes a new one.
          </p>
        </form>
      </main>
    </Page>
  );
}

export function ConsolePage({ figures }: { figures: Figures }) {
  return (
    <Page isOpen>
      <header>
        <h1>Carillon console</h1>
        <form method="post" action={`${CONSOLE}/logout`}>
          <button type="submit" class="quiet">Log out</button>
        </form>
      </header>
      <main>
        <p id="stale" class="bad" role="alert"></p>
        <Now {...figures} />
        <div class="columns">
          <RingPanel />
          <ListenPanel />
        </div>
        <Details {...figures} />
      </main>
    </Page>
  );
}

/** What the page's script puts in the place of what was there. */
export function FiguresPart({ figures }: { figures: Figures }) {
  return (
    <>
      <Now {...figures} />
      <Details {...figures} />
    </>
  );
}

function RingPanel() {
  return (
    <section class="panel" aria-labelledby="ring-heading">
      <h2 id="ring-heading">Send a test ring</h2>
      <form id="ring">
        <label for="ring-topic">Topic</label>
        <input id="ring-topic" name="topic" value={EXAMPLE} required maxlength={1024} aria-describedby="ring-hint" />
        <label for="ring-priority">Priority, 0 to 100</label>
        <input id="ring-priority" name="priority" type="number" min="0" max="100" value="50" required />
        <button type="submit">Ring</button>
        <p id="ring-hint" class="note">Whoever listens to the topic, or has subscribed to it, is told.</p>
        <p id="ring-state" role="status"></p>
      </form>
      <noscript>
        <p class="bad">This page’s script does not run: allow it, to ring, to listen, and to see newer figures.</p>
      </noscript>
    </section>
  );
}

function ListenPanel() {
  return (
    <section class="panel" aria-labelledby="listen-heading">
      <h2 id="listen-heading">Listen</h2>
      <form id="listen">
        <label for="listen-match">Topic or pattern, * for all</label>
        <input
          id="listen-match"
          name="match"
          value={EXAMPLE}
          required
          maxlength={1024}
          aria-describedby="listen-state"
        />
        <p class="buttons">
          <button type="submit">Listen</button>
          <button type="button" class="quiet" id="stop">Stop</button>
        </p>
        <p id="listen-state" role="status">Not listening. Choose a topic, listen, then send a test ring to it.</p>
      </form>
      <div id="log" role="log" aria-label="What was heard, the newest first" tabindex={0}>
        <ul id="heard" class="rows"></ul>
      </div>
    </section>
  );
}
