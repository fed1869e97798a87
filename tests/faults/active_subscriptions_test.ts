/** kill -9 of a worker with open streams: nobody is shown as active who is not. */
import { findDenokv } from "../../scripts/lib/denokv_install.ts";
import { equal, ok } from "../helpers/assert.ts";
import { openCluster } from "../helpers/cluster.ts";
import { component } from "../helpers/component.ts";
import { openDatabaseServer } from "../helpers/database_server.ts";
import { openStream } from "../helpers/event_source.ts";
import { accessToken } from "../helpers/worker.ts";

const PATH = "/.well-known/mercure/subscriptions";
/** As many as one subject may have. */
const STREAMS = 100;

/** Milliseconds: an owner has lapsed after twenty seconds, and the test looks a few times a second. */
const SOON = 30_000;

const test = await component("denokv", findDenokv);

test(`active subscriptions: those of a killed worker are hidden within ${SOON / 1000} seconds, the others stay`, async () => {
  await using database = await openDatabaseServer();
  const databases = [database.url, database.url];
  await using cluster = await openCluster(databases, { CARILLON_ACTIVE_SUBSCRIPTIONS: "true" });
  const [dying, living] = cluster.workers as [typeof cluster.workers[0], typeof cluster.workers[0]],
    { local } = cluster;
  const listening = ({ url }: { url: string }) => accessToken({ url, local }, { subscribe: ["*"] });

  async function listed(): Promise<string[]> {
    const authorization = `Bearer ${await listening(living)}`;
    const response = await fetch(living.url + PATH, { headers: { authorization } });
    return (await response.json()).subscriptions.map(({ match }: { match: string }) => match);
  }

  const token = await listening(dying);
  const streams = await Promise.all(Array.from({ length: STREAMS }, () => openStream(dying.hub, "match=dying", token)));
  await using _stays = await openStream(living.hub, "match=living", await listening(living));
  while ((await listed()).length < STREAMS + 1);
  cluster.live.delete(dying);
  await dying.end("SIGKILL");
  const since = performance.now();
  while ((await listed()).length > 1) await new Promise((resolve) => setTimeout(resolve, 200));
  ok(performance.now() - since < SOON, `${performance.now() - since} ms`);
  equal(await listed(), ["living"]);
  for (const stream of streams) await stream.close();
  equal(cluster.broken(), []);
});
