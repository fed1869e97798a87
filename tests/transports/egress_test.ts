import type { AddressInfo } from "node:net";
import { createServer as createHttpsServer } from "node:https";
import { createServer } from "node:tls";
import { makeCertificates } from "../../scripts/lib/certificates.ts";
import { systemClock } from "../../src/clock.ts";
import { parsePushHost } from "../../src/model/push_host.ts";
import { IDLE, MAX_AGE } from "../../src/transports/connections.ts";
import { createEgress, DEADLINE, type EgressDeps } from "../../src/transports/egress.ts";
import { createTrust } from "../../src/transports/trust.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { certificates } from "../helpers/certificates.ts";
import { manualClock } from "../helpers/clock.ts";
import { openPushService } from "../helpers/push_service.ts";

/** A request that any push service answers with 404: there is no such subscription. */
const REQUEST = { headers: { ttl: "1", "content-length": "3" }, body: new Uint8Array(3) };
const ANSWERED = { status: 404, retryAfter: undefined, ttl: undefined };
const NETWORK = { fault: "network" as const },
  BLOCKED = { fault: "blocked" as const },
  TIMEOUT = { fault: "timeout" as const };

function openEgress(more: Partial<EgressDeps> & { trusted?: string[] } = {}) {
  const { trusted = ["127.0.0.1"], clock = systemClock, resolve = toThisMachine } = more;
  const egress = createEgress({
    ca: certificates.ca,
    ...more,
    trust: createTrust(trusted.map(parsePushHost)),
    clock,
    resolve,
  });
  const post = (address: string) => egress.post(address, REQUEST);
  return { ...egress, post, [Symbol.asyncDispose]: egress.close };
}

function toThisMachine(): Promise<string[]> {
  return Promise.resolve(["127.0.0.1"]);
}

for (const old of [false, true]) {
  const version = old ? "HTTP/1.1" : "HTTP/2";

  Deno.test(`egress: many requests over ${version} are answered, and TLS is checked end to end`, async () => {
    await using service = await openPushService({ old });
    await using egress = openEgress();
    equal(await egress.post(`https://127.0.0.1:${service.port}/first`), ANSWERED);
    const replies = await Promise.all(
      Array.from({ length: 300 }, (_, n) => egress.post(`https://127.0.0.1:${service.port}/${n}`)),
    );
    ok(replies.every((reply) => "status" in reply && reply.status === 404));
    if (!old) equal(service.load.connections, 1);
  });

  Deno.test(`egress: a name is dialled over ${version} where it resolves, and the certificate must be the name's`, async () => {
    await using service = await openPushService({ old });
    const trusted = ["push.example.net", "wrong.example.net"];
    await using egress = openEgress({ trusted });
    equal(await egress.post(`https://push.example.net:${service.port}/a`), ANSWERED);
    equal(await egress.post(`https://wrong.example.net:${service.port}/a`), NETWORK);
  });
}

Deno.test("egress: more requests than a push service allows at once wait for their turn on the one connection", async () => {
  await using service = await openPushService({ streams: 7 });
  await using egress = openEgress();
  const replies = await Promise.all(
    Array.from({ length: 300 }, (_, n) => egress.post(`https://127.0.0.1:${service.port}/${n}`)),
  );
  ok(replies.every((reply) => "status" in reply && reply.status === 404));
  equal(service.load.connections, 1);
  ok(service.load.most <= 7 + 1, `${service.load.most}`);
});

Deno.test("egress: each further connection over HTTP/1.1 is checked like the first: its address, and whose certificate it has", async () => {
  await using service = await openPushService({ old: true });
  const address = `https://push.example.net:${service.port}/a`;
  const addresses = [["127.0.0.1"], ["127.0.0.1"], ["not an address"]];
  await using egress = openEgress({
    trusted: ["push.example.net"],
    // The first look-up is for the version of HTTP, the second for the first request.
    resolve: () => Promise.resolve(addresses.shift() ?? []),
  });
  equal(await egress.post(address), ANSWERED);
  equal(await Promise.all([egress.post(address), egress.post(address)]), [ANSWERED, BLOCKED]);
});

Deno.test("egress: a server that takes the place of another over HTTP/1.1 has to show its certificate", async () => {
  const { cert, key } = await makeCertificates(["push.example.net"], ["127.0.0.1"]);
  await using service = await openPushService({ old: true });
  await using egress = openEgress({ trusted: ["push.example.net"] });
  const address = `https://push.example.net:${service.port}/a`;
  equal(await egress.post(address), ANSWERED);
  await service.stop();
  let asked = 0;
  const impostor = createHttpsServer({ cert, key }, (_request, response) => (asked++, response.end()));
  await new Promise<void>((resolve) => impostor.listen(service.port, "127.0.0.1", resolve));
  equal(await Promise.all([egress.post(address), egress.post(address)]), [NETWORK, NETWORK]);
  equal(asked, 0);
  await new Promise<void>((resolve) => impostor.close(() => resolve()));
});

Deno.test("egress: of the connections that a burst over HTTP/1.1 needs a few are kept", async () => {
  await using service = await openPushService({ old: true });
  await using egress = openEgress();
  await Promise.all(Array.from({ length: 60 }, (_, n) => egress.post(`https://127.0.0.1:${service.port}/${n}`)));
  await service.until(() => service.load.open <= 8);
  ok(service.load.connections > 8 && service.load.open > 0, JSON.stringify(service.load));
});

Deno.test("egress: an authority that nobody knows vouches for nothing", async () => {
  await using service = await openPushService();
  await using egress = openEgress({ ca: undefined });
  equal(await egress.post(`https://127.0.0.1:${service.port}/a`), NETWORK);
});

Deno.test("egress: a name that resolves to a blocked address is never dialled", async () => {
  await using service = await openPushService();
  for (const addresses of [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:127.0.0.1"]]) {
    await using egress = openEgress({ trusted: ["10.0.0.0/8"], resolve: () => Promise.resolve(addresses) });
    equal(await egress.post("https://push.example.net/a"), BLOCKED);
  }
  equal(service.load.connections, 0);
});

Deno.test("egress: an address that registration would refuse is not sent to, whoever stored it", async () => {
  await using service = await openPushService();
  await using egress = openEgress({ trusted: [] });
  for (
    const address of [
      `https://127.0.0.1:${service.port}/a`,
      "http://push.example.net/",
      "https://localhost/",
      "nothing",
    ]
  ) {
    equal(await egress.post(address), BLOCKED);
    await refuses("bad_address", () => egress.check(address));
  }
  equal(service.load.connections, 0);
});

Deno.test("egress: DNS is asked once for each connection, and what it said is what was dialled", async () => {
  await using service = await openPushService();
  const clock = manualClock(), asked: string[] = [];
  const resolve = (host: string) => Promise.resolve((asked.push(host), ["127.0.0.1"]));
  await using egress = openEgress({ trusted: ["push.example.net"], clock, resolve });
  const address = `https://push.example.net:${service.port}/a`;
  await Promise.all([egress.post(address), egress.post(address)]);
  clock.advance(MAX_AGE - 1);
  equal([await egress.post(address), asked.length, service.load.connections], [ANSWERED, 1, 1]);
  clock.advance(1);
  equal([await egress.post(address), asked.length, service.load.connections], [ANSWERED, 2, 2]);
});

Deno.test("egress: a host that has IPv4 alone is reached though it names an address of IPv6 first", async () => {
  await using service = await openPushService();
  await using egress = openEgress({
    trusted: ["push.example.net"],
    resolve: () => Promise.resolve(["::1", "127.0.0.1"]),
  });
  equal(await egress.post(`https://push.example.net:${service.port}/a`), ANSWERED);
});

Deno.test("egress: nobody there, nothing resolved, and what is no TLS are faults of the network", async () => {
  await using service = await openPushService();
  await using egress = openEgress({
    trusted: ["127.0.0.1", "push.example.net"],
    resolve: () => Promise.reject(new Error("ENOTFOUND")),
  });
  equal(await egress.post(`https://push.example.net:${service.port}/a`), NETWORK);
  await service.stop();
  equal(await egress.post(`https://127.0.0.1:${service.port}/a`), NETWORK);
  using plain = Deno.listen({ hostname: "127.0.0.1", port: service.port });
  const greeting = plain.accept().then(async (connection) => {
    await connection.write(new TextEncoder().encode("220 mail.example ESMTP\r\n"));
    connection.close();
  });
  equal(await egress.post(`https://127.0.0.1:${service.port}/a`), NETWORK);
  await greeting;
});

Deno.test("egress: a service that comes back is dialled again", async () => {
  await using service = await openPushService();
  await using egress = openEgress();
  const address = `https://127.0.0.1:${service.port}/a`;
  equal(await egress.post(address), ANSWERED);
  await service.stop();
  equal(await egress.post(address), NETWORK);
  await service.start();
  equal(await egress.post(address), ANSWERED);
});

Deno.test("egress: DNS that never answers, and a host that accepts and is silent, end at the deadline", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const cases = [{ resolve: () => new Promise<never>(() => {}) }, {}];
  for (const more of cases) {
    const clock = manualClock();
    await using egress = openEgress({ ...more, trusted: ["push.example.net"], clock });
    const accepted = more.resolve ? undefined : silent.accept();
    const reply = egress.post(`https://push.example.net:${silent.addr.port}/a`);
    const connection = await accepted;
    clock.advance(DEADLINE - 1);
    equal(await Promise.race([reply, new Promise((resolve) => setTimeout(resolve, 5, "waits"))]), "waits");
    clock.advance(1);
    equal(await reply, TIMEOUT);
    connection?.close();
  }
});

Deno.test("egress: a host that agrees on HTTP/2 and then says nothing ends at the deadline", async () => {
  const { cert, key } = certificates, begun = Promise.withResolvers<void>(), clock = manualClock();
  const server = createServer({ cert, key, ALPNProtocols: ["h2"] }, (socket) => {
    socket.on("data", () => begun.resolve());
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await using egress = openEgress({ clock });
  const reply = egress.post(`https://127.0.0.1:${(server.address() as AddressInfo).port}/a`);
  await begun.promise;
  clock.advance(DEADLINE);
  equal(await reply, TIMEOUT);
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

Deno.test("egress: an idle connection is closed at a tick, and opened again when it is needed", async () => {
  await using service = await openPushService();
  const clock = manualClock();
  await using egress = openEgress({ clock });
  const address = `https://127.0.0.1:${service.port}/a`;
  await egress.post(address);
  egress.tick();
  equal(service.load.open, 1);
  clock.advance(IDLE);
  egress.tick();
  await service.until(() => service.load.open === 0);
  equal([await egress.post(address), service.load.connections], [ANSWERED, 2]);
});

Deno.test("egress: no timer is left of a request that is over", async () => {
  await using service = await openPushService();
  const clock = manualClock();
  await using egress = openEgress({ clock });
  await Promise.all(Array.from({ length: 20 }, () => egress.post(`https://127.0.0.1:${service.port}/a`)));
  equal(clock.waiting, 0);
});

for (const old of [false, true]) {
  Deno.test(`egress: close ends what is on its way over ${old ? "HTTP/1.1" : "HTTP/2"}, and nothing is sent after it`, async () => {
    await using service = await openPushService({ old });
    const egress = openEgress(), address = `https://127.0.0.1:${service.port}/a`;
    await egress.post(address);
    const resume = service.pause();
    const replies = Promise.all(Array.from({ length: 5 }, () => egress.post(address)));
    await service.until(() => service.load.inFlight === 5);
    await egress.close();
    equal(await replies, Array(5).fill(NETWORK));
    resume();
    equal(await egress.post(address), NETWORK);
  });
}
