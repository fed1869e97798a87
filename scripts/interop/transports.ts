/** A change at a server behind Carillon, told by each transport: one client writes, the others hear of it. */
import { openStream } from "../../tests/helpers/event_source.ts";
import { eventually } from "../../tests/helpers/eventually.ts";
import { davClient } from "../../tests/helpers/radicale_client.ts";
import { signAccess } from "../bench/tokens.ts";
import type { BenchWorker } from "../bench/worker.ts";
import { hubOf } from "../lib/address.ts";
import { type Place, printError, type ServerKind, type Step } from "./kinds.ts";
import { openReceivers, type Receiver } from "./receivers.ts";
import { withCarillon, withServer } from "./run.ts";

export function runTransports(server: ServerKind): Promise<Step[]> {
  return withServer(server, async (upstream) => {
    await using ends = await openReceivers();
    return await withCarillon(upstream, (place, worker) => tellAll(place, worker, ends.receivers), ends.env);
  });
}

async function tellAll(place: Place, worker: BenchWorker, receivers: Receiver[]): Promise<Step[]> {
  const client = davClient(place.origin, place.user, place.password), path = `${place.calendars}told/`;
  const topic = place.origin + path, token = await signAccess(worker, "subscribe", "interop");
  await client.makeCalendar(path);
  const stream = await openStream(hubOf(place.origin), `match=${encodeURIComponent(topic)}`, token);
  const told = () => stream.events.map(({ data }) => data);
  const subscribed = receivers.map(async (receiver) => {
    await subscribe(worker, token, topic, receiver);
    await eventually("the first message", () => Promise.resolve(receiver.told().length > 0));
  });
  const ready = await Promise.allSettled(subscribed);
  await client.putEvent(path, "new");
  const steps = await Promise.all([
    hears({ name: "event stream", told }, topic),
    ...receivers.map((receiver, index) => hears(receiver, topic, ready[index])),
  ]);
  stream.close();
  return steps;
}

async function subscribe({ url }: BenchWorker, token: string, topic: string, { handed }: Receiver): Promise<void> {
  const response = await fetch(`${url}/-/subscriptions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ ...handed, topics: [topic] }),
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`${response.status} ${text}`);
}

async function hears(
  { name, told }: Pick<Receiver, "name" | "told">,
  topic: string,
  ready?: PromiseSettledResult<void>,
): Promise<Step> {
  const step = (outcome: Step["outcome"], line: string): Step => ({ name, outcome, lines: [line.slice(0, 300)] });
  if (ready?.status === "rejected") return step("failed", printError(ready.reason));
  const isTold = () => Promise.resolve(told().some((text) => text.includes(topic)));
  return await eventually(`a message about ${topic}`, isTold).then(
    () => step("passed", "told"),
    (thrown) => step("failed", printError(thrown)),
  );
}
