import { systemClock } from "../../src/clock.ts";
import { createResolve, RESOLUTION_DELAY } from "../../src/transports/resolve.ts";
import { equal, ok } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";
import { serveDns } from "../helpers/dns_server.ts";

/** `stop` is what a deadline does. */
function how({ isTrusted = false } = {}) {
  const over = new AbortController();
  return { isTrusted, signal: over.signal, stop: () => over.abort() };
}

const outcomeOf = (found: Promise<string[]>) => found.catch((fault: Error) => fault.name);

Deno.test("resolve: a name has all its addresses of both kinds, and no search domain is tried", async () => {
  await using dns = await serveDns({
    "push.example": ["8.8.8.8", "9.9.9.9", "2a00:1450::1"],
    "four.example": ["8.8.8.8"],
    "six.example": ["2a00:1450::1"],
  });
  const resolve = createResolve({ clock: systemClock, nameServer: dns.nameServer });
  equal((await resolve("push.example", how())).sort(), ["2a00:1450::1", "8.8.8.8", "9.9.9.9"]);
  equal(await resolve("four.example", how()), ["8.8.8.8"]);
  equal(await resolve("six.example", how()), ["2a00:1450::1"]);
  equal(dns.asked.sort(), ["four", "push", "six"].flatMap((name) => [`${name}.example A`, `${name}.example AAAA`]));
});

Deno.test("resolve: a name without addresses, none at all and a broken name server are faults", async () => {
  await using dns = await serveDns({ "empty.example": [], "broken.example": "broken" });
  const resolve = createResolve({ clock: systemClock, nameServer: dns.nameServer });
  for (const name of ["empty.example", "broken.example", "nowhere.example"]) {
    equal(await outcomeOf(resolve(name, how())), "Error");
  }
});

Deno.test("resolve: what is blocked is said as well, a check follows", async () => {
  const addresses = ["127.0.0.1", "10.0.0.1", "::1"];
  await using dns = await serveDns({ "push.example": addresses });
  const resolve = createResolve({ clock: systemClock, nameServer: dns.nameServer });
  equal((await resolve("push.example", how())).sort(), addresses.sort());
});

for (const [silent, answer] of [["AAAA", "8.8.8.8"], ["A", "2a00:1450::1"]] as const) {
  Deno.test(`resolve: a name server that says nothing about ${silent} holds up the rest for a moment alone`, async () => {
    const zone = { A: [answer], AAAA: [answer], [silent]: "never" as const };
    await using dns = await serveDns({ "push.example": zone });
    const clock = manualClock(), resolve = createResolve({ clock, nameServer: dns.nameServer });
    const found = resolve("push.example", how());
    while (clock.waiting === 0) await new Promise((turn) => setTimeout(turn));
    clock.advance(RESOLUTION_DELAY);
    equal([await found, clock.waiting], [[answer], 0]);
  });
}

Deno.test("resolve: of a hundred silent name servers none keeps another name from being found", async () => {
  await using dns = await serveDns({
    "push.example": ["8.8.8.8"],
    ...Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`${n}.tarpit.example`, "never"])),
  });
  const resolve = createResolve({ clock: systemClock, nameServer: dns.nameServer });
  const { stop, ...tarpit } = how();
  const silent = Array.from({ length: 100 }, (_, n) => outcomeOf(resolve(`${n}.tarpit.example`, tarpit)));
  equal(await resolve("push.example", how()), ["8.8.8.8"]);
  stop();
  equal(new Set(await Promise.all(silent)), new Set(["Error"]));
});

Deno.test("resolve: this machine's own names are known for a trusted host", async () => {
  await using dns = await serveDns({});
  const resolve = createResolve({ clock: systemClock, nameServer: dns.nameServer });
  const found = await resolve("localhost", how({ isTrusted: true }));
  ok(found.some((address) => address === "127.0.0.1" || address === "::1"));
  // Whether it is known or not, no name server hears of it.
  await outcomeOf(resolve(Deno.hostname(), how({ isTrusted: true })));
  equal(dns.asked, []);
  equal([await outcomeOf(resolve("localhost.example", how())), dns.asked.length], ["Error", 2]);
});
