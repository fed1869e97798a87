/** A watch in which time passes as the test says, at a server and with a channel of the test. */
import { setImmediate } from "node:timers";
import { type Channel, type Hearing, type Transport, watch, type WatchOptions } from "../../src/client/mod.ts";
import { manualClock } from "./clock.ts";
import { type Asked, davStub, multistatus, printCollection, URL_OF, VAPID, WEBDAV_PUSH } from "./dav_stub.ts";

/** All that was waiting for nothing has run: answers are read in several turns of the event loop. */
export async function settle(): Promise<void> {
  for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setImmediate(resolve));
}

/** A channel of the test; `hearings` are its connections. */
export function testChannel() {
  const hearings: Hearing[] = [];
  const channel: Channel = {
    transport: "test",
    subscription: { endpoint: "https://push.example/a", expirationTime: null, keys: { p256dh: VAPID, auth: "a" } },
    lasts: true,
    hear: (hearing) =>
      new Promise((resolve) => {
        hearings.push(hearing);
        hearing.onOpen();
        hearing.signal.addEventListener("abort", () => resolve());
      }),
    end: () => Promise.resolve(),
  };
  return { channel, hearings };
}

/** Watches by a clock that stands still until the test moves it; `await using` closes it. */
export async function openTimedWatch(
  answer: (asked: Asked, now: number) => Response,
  random = () => 0.5,
  given: Partial<WatchOptions> = {},
) {
  const clock = manualClock(), { channel, hearings } = testChannel(), heard: (string | undefined)[] = [];
  const faults: string[] = [], reported = ({ code }: { code: string }) => void faults.push(code);
  const stub = davStub((asked) => answer(asked, clock.now())), times: number[] = [];
  const fetch: typeof stub.fetch = (url, init) => {
    if (init.method === "PROPFIND") times.push(clock.now());
    return stub.fetch(url, init);
  };
  const changed = (_: string, token?: string) => void heard.push(token);
  const transports: Transport[] = [({ vapidKey }) => Promise.resolve(vapidKey === undefined ? undefined : channel)];
  const watching = watch({ url: URL_OF, fetch, clock, random, transports, changed, reported, ...given });
  await settle();

  /** Moves the time by steps that are no longer than any wait. */
  async function pass(milliseconds: number, step = 5_000): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += step) {
      clock.advance(step);
      await settle();
    }
  }

  return { clock, stub, times, heard, faults, hearings, watching, pass, [Symbol.asyncDispose]: () => watching.close() };
}

/** A server that grants registrations until then, and else says where the collection stands. */
export const pushed = (token: () => string, expires: (now: number) => number) => ({ method }: Asked, now: number) =>
  method === "POST"
    ? new Response(null, {
      status: 201,
      headers: { location: "https://dav.example/r/1", expires: new Date(expires(now)).toUTCString() },
    })
    : multistatus(printCollection({ token: token(), more: WEBDAV_PUSH }));
