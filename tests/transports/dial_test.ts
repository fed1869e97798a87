import type { LookupAddress } from "node:dns";
import fc from "fast-check";
import { parsePushHost } from "../../src/model/push_host.ts";
import { BlockedAddress, dialOptions } from "../../src/transports/dial.ts";
import type { Resolve } from "../../src/transports/resolve.ts";
import { createTrust } from "../../src/transports/trust.ts";
import { equal, ok } from "../helpers/assert.ts";

const { signal } = new AbortController();

type Found = LookupAddress[] | NodeJS.ErrnoException;

/** What a socket to this URL would be given to dial. */
function lookUp(url: string, resolve: Resolve, trusted: string[] = []): Promise<Found> {
  const trust = createTrust(trusted.map(parsePushHost));
  const { host, lookup } = dialOptions(new URL(url), { resolve, trust, signal });
  return new Promise((answer) =>
    lookup(host, { all: true }, (fault, found) => answer(fault ?? found as LookupAddress[]))
  );
}

const to = (...addresses: string[]) => () => Promise.resolve(addresses);
const isBlocked = (found: Found) => found instanceof BlockedAddress;

Deno.test("dial: what was resolved and checked is what is dialled, all of it, each with its family", async () => {
  equal(await lookUp("https://push.example/", to("8.8.8.8", "2a00:1450::1")), [
    { address: "8.8.8.8", family: 4 },
    { address: "2a00:1450::1", family: 6 },
  ]);
});

Deno.test("dial: the host is resolved by its name, once", async () => {
  const asked: string[] = [];
  await lookUp("https://push.example:8443/a?b", (host) => Promise.resolve((asked.push(host), ["8.8.8.8"])), [
    "push.example:8443",
  ]);
  equal(asked, ["push.example"]);
});

Deno.test("dial: one blocked address among many refuses the host", async () => {
  const bad = [
    "127.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "::1",
    "fd00::1",
    "::ffff:192.168.0.1",
    "fe80::1%eth0",
    "64:ff9b::a00:1",
    "0.0.0.0",
  ];
  for (const address of bad) {
    for (const addresses of [[address], [address, "8.8.8.8"], ["8.8.8.8", address], ["8.8.8.8", "9.9.9.9", address]]) {
      ok(isBlocked(await lookUp("https://push.example/", to(...addresses))), address);
    }
  }
});

Deno.test("dial: what is no address refuses the host", async () => {
  for (const address of ["", "localhost", "8.8.8.8/8"]) {
    ok(isBlocked(await lookUp("https://push.example/", to("8.8.8.8", address))));
  }
});

Deno.test("dial: whoever trusts a range is led there by any name, who trusts a host wherever it is", async () => {
  const addresses = to("10.1.2.3", "8.8.8.8");
  equal((await lookUp("https://push.example/", addresses, ["10.0.0.0/8"]) as LookupAddress[]).length, 2);
  equal((await lookUp("https://push.lan/", addresses, ["push.lan"]) as LookupAddress[]).length, 2);
  ok(isBlocked(await lookUp("https://push.example/", addresses, ["push.lan", "10.2.0.0/16"])));
  ok(isBlocked(await lookUp("https://push.lan:9/", addresses, ["push.lan:8443"])));
});

Deno.test("dial: any address is dialled as it is, or refused", async () => {
  await fc.assert(fc.asyncProperty(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()), async (address) => {
    const found = await lookUp("https://push.example/", to(address));
    ok(isBlocked(found) || (found as LookupAddress[])[0]!.address === address);
  }));
});

Deno.test("dial: a name that does not resolve is a fault", async () => {
  ok(await lookUp("https://push.example/", () => Promise.reject(new Error("ENOTFOUND"))) instanceof Error);
});

Deno.test("dial: an address is no server name, a name is", () => {
  const serverName = (url: string) =>
    dialOptions(new URL(url), { resolve: to(), trust: createTrust([]), signal }).servername;
  equal(["https://push.example:1/", "https://10.0.0.1/", "https://[fd00::1]/"].map(serverName), [
    "push.example",
    undefined,
    undefined,
  ]);
});

Deno.test("dial: a name without an address is a fault, whoever is trusted", async () => {
  for (const trusted of [[], ["push.example"]]) {
    const found = await lookUp("https://push.example/", to(), trusted);
    ok(found instanceof Error && !isBlocked(found));
  }
});

Deno.test("dial: who resolves is told whether the host is trusted", async () => {
  const told: boolean[] = [];
  const resolve: Resolve = (_host, { isTrusted }) => Promise.resolve((told.push(isTrusted), ["8.8.8.8"]));
  for (const url of ["https://push.example/", "https://push.lan/"]) await lookUp(url, resolve, ["push.lan"]);
  equal(told, [false, true]);
});
