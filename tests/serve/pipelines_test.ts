/** Many requests on one connection. */
import { connect } from "node:net";
import { equal } from "../helpers/assert.ts";
import { testWorker } from "../helpers/worker.ts";

/** Requests that wait for their turn to be refused. */
const REFUSED = "POST /-/push/push/nobody HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
const HEALTHY = "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n";

Deno.test("node:http: who sends requests without end and waits for no answer loses the connection", async () => {
  await using worker = await testWorker();
  const socket = connect(Number(new URL(worker.url).port), "127.0.0.1"), closed = Promise.withResolvers<void>();
  socket.on("error", () => {}).on("close", () => closed.resolve());
  const flood = () => socket.write(REFUSED.repeat(500), (error) => error || flood());
  flood();
  await closed.promise;
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
