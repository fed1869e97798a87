/** Many requests on one connection. */
import { connect } from "node:net";
import { equal } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";
import { eventually } from "../helpers/eventually.ts";
import { testWorker } from "../helpers/worker.ts";

/** All but a few wait for their turn to be refused, which does not come while the clock stands still. */
const REFUSED = "POST /-/push/push/nobody HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
const HEALTHY = "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n";

Deno.test("node:http: who sends requests without end and waits for no answer loses the connection", async () => {
  await using worker = await testWorker({ clock: manualClock(Date.now()) });
  const socket = connect(Number(new URL(worker.url).port), "127.0.0.1");
  socket.on("error", () => {}).write(REFUSED.repeat(2_000));
  await eventually("the connection is closed", () => Promise.resolve(socket.destroyed), 5_000);
  const refused = (await worker.metrics.refused.get()).values;
  equal(refused.map(({ labels, value }) => [labels.code, value <= 100]), [["not_found", true]]);
});

Deno.test("node:http: who waits for each answer may ask as often as they like", async () => {
  await using worker = await testWorker();
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(worker.url).port) });
  const answer = new Uint8Array(4096), statuses = new Set<string>();
  for (let n = 0; n < 250; n++) {
    await connection.write(new TextEncoder().encode(HEALTHY));
    const read = await connection.read(answer);
    statuses.add(new TextDecoder().decode(answer.subarray(0, read ?? 0)).split("\r\n")[0]!);
  }
  connection.close();
  equal(statuses, new Set(["HTTP/1.1 200 OK"]));
});
