import { ok } from "../helpers/assert.ts";
import { subscribe } from "../helpers/push_resource.ts";
import { witness } from "../helpers/witness.ts";
import { testWorker } from "../helpers/worker.ts";

Deno.test("refused: the address of a subscription is not written down, however it was misspelt", async () => {
  using seen = witness();
  await using worker = await testWorker();
  const path = new URL((await subscribe(worker)).push).pathname;
  seen.keep(path.split("/").at(-1)!);
  const misspelt = [`/${path}`, `/dav${path}`, path.replace("push", "Push"), `${path}/`, path.replace("-", "%2D")];
  for (const address of misspelt) {
    const { status, body } = await fetch(worker.url + address, { method: "POST" });
    await body?.cancel();
    ok(status >= 400 && status < 500, `${status}: ${address}`);
  }
  seen.testify();
});
