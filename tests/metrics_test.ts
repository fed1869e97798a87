/** What metrics say of whoever sends: nothing that they chose. */
import { makeAdminToken } from "../src/store/keys.ts";
import { equal, ok } from "./helpers/assert.ts";
import { accessToken, publish, ring, testWorker } from "./helpers/worker.ts";

/** As a stranger would put it wherever something is read. */
const MARK = "mark-of-a-stranger";

Deno.test("metrics: no label holds what a stranger chose, wherever it is sent", async () => {
  await using worker = await testWorker();
  const headers = { authorization: `Bearer ${MARK}`, "content-type": `application/${MARK}`, "user-agent": MARK };
  for (const path of [`/${MARK}`, `/-/${MARK}`, `/-/push/push/${MARK}`, `/.well-known/mercure?match=${MARK}`]) {
    for (const method of ["GET", "POST", MARK]) {
      const response = await fetch(worker.url + path, { method, headers, ...(method === "POST" && { body: MARK }) });
      ok(response.status >= 400, `${method} ${path}: ${response.status}`);
      await response.body?.cancel();
    }
  }
  await ring(worker, { topic: MARK, data: MARK });
  const token = await accessToken(worker, { publish: ["*"], claims: { sub: MARK } });
  equal((await publish(worker.hub, token, [["topic", MARK], ["type", MARK], ["id", MARK]])).status, 200);

  const admin = { authorization: `Bearer ${await makeAdminToken(worker.kv)}` };
  const text = await (await fetch(`${worker.url}/-/metrics`, { headers: admin })).text();
  ok(/^carillon_refused_total\{code="not_found"\} [1-9]/m.test(text) && /^carillon_changes_total 2$/m.test(text), text);
  ok(!text.includes(MARK), text);
});
