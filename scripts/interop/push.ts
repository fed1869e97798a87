/** WebDAV-Push through Carillon, by DAVx5's own document: registered, told of another client's write, led to it. */
import { openPushService, type PushService, type TestSubscription } from "../../tests/helpers/push_service.ts";
import { type DavClient, davClient } from "../../tests/helpers/radicale_client.ts";
import { type Place, printError, type ServerKind, type Step } from "./kinds.ts";
import { withCarillon, withServer } from "./run.ts";

const REGISTER = new URL("../../tests/fixtures/webdav-push/davx5-next-register.xml", import.meta.url);
const XML = { "content-type": "application/xml; charset=utf-8" };
const FIND =
  `<propfind xmlns="DAV:" xmlns:P="https://bitfire.at/webdav-push"><prop><P:topic/><sync-token/></prop></propfind>`;

/** A collection with push, and how one is made and written to. */
type Sort = {
  sort: string;
  path: string;
  make: () => Promise<unknown>;
  put: (uid: string) => Promise<unknown>;
  member: string;
};

type Act = (name: string, run: () => Promise<string>) => Promise<void>;

export function runPush(server: ServerKind): Promise<Step[]> {
  return withServer(server, async (upstream) => {
    await using service = await openPushService();
    return await withCarillon(upstream, (place) => registerForAll(place, service), await service.env());
  });
}

async function registerForAll(place: Place, service: PushService): Promise<Step[]> {
  const steps: Step[] = [];
  const [device, other] = [1, 2].map(() => davClient(place.origin, place.user, place.password));
  for (const sort of sortsOf(place, other!)) {
    await registerFor(sort, device!, service, async (name, run) => {
      const [outcome, line] = await run().then(
        (line) => ["passed", line] as const,
        (thrown) => ["failed", printError(thrown)] as const,
      );
      steps.push({ name: `${sort.sort}: ${name}`, outcome, lines: [line.slice(0, 300)] });
    });
  }
  return steps;
}

function sortsOf({ calendars, contacts }: Place, client: DavClient): Sort[] {
  const work = `${calendars}push-work/`, people = `${contacts}push-people/`;
  return [
    {
      sort: "calendar",
      path: work,
      make: () => client.makeCalendar(work),
      put: (uid) => client.putEvent(work, uid),
      member: "new.ics",
    },
    {
      sort: "address book",
      path: people,
      make: () => client.makeAddressBook(people),
      put: (uid) => client.putCard(people, uid),
      member: "new.vcf",
    },
  ];
}

async function registerFor(
  { path, make, put, member }: Sort,
  client: DavClient,
  service: PushService,
  act: Act,
): Promise<void> {
  const device = service.subscribe();
  const told = () => service.messages(device).map(({ text }) => text);
  let before: Found = {};
  await act("has push", async () => {
    await make();
    before = await find(client, path);
    return must(before.topic, "no topic");
  });
  await act("registers", async () => {
    const { status, text } = await client.request("POST", path, await registerOf(device), XML);
    return must(status === 201 && "201", `${status} ${text}`);
  });
  await act("gets a first message", async () => {
    await service.until(() => told().length === 1);
    return "one";
  });
  await act("is told of another client's write", async () => {
    await put("new");
    await service.until(() => told().length === 2);
    return must(before.topic && told().at(-1)!.includes(before.topic) && "its topic", told().at(-1)!);
  });
  await act("is told the sync-token of now", async () => {
    const { token } = await find(client, path), said = tokenIn(told().at(-1) ?? "");
    return must(said && said === token && "the same", `the message has ${said}, the collection ${token}`);
  });
  await act("comes by sync-collection to the new member", async () => {
    const changes = await changesSince(client, path, before.token ?? "");
    if (!changes.includes(member)) throw new Error(changes);
    const [led, said] = [tokenIn(changes), tokenIn(told().at(-1) ?? "")];
    return must(led && led === said && "and to this token", `it leads to ${led}, the message has ${said}`);
  });
}

type Found = { topic?: string; token?: string };

async function find(client: DavClient, path: string): Promise<Found> {
  const { text } = await client.request("PROPFIND", path, FIND, { depth: "0", ...XML });
  return { topic: /<(?:\w+:)?topic[^>]*>([\w-]{22})<\//.exec(text)?.[1], token: tokenIn(text) };
}

async function changesSince(client: DavClient, path: string, token: string): Promise<string> {
  const body = `<sync-collection xmlns="DAV:"><sync-token>${token}</sync-token><sync-level>1</sync-level>` +
    `<prop><getetag/></prop></sync-collection>`;
  return (await client.request("REPORT", path, body, { depth: "0", ...XML })).text;
}

function tokenIn(text: string): string | undefined {
  return /<(?:\w+:)?sync-token[^>]*>([^<]+)</.exec(text)?.[1];
}

/** The client's own document, for a subscription of our push service. */
async function registerOf({ address, keys }: TestSubscription): Promise<string> {
  return (await Deno.readTextFile(REGISTER)).replace(/https:\/\/up\.example\.net\/\w+/, address)
    .replace(/BCVxsr7N_[\w-]+/, keys.p256dh).replace(/BTBZMqHH6r4Tts7J_aSIgg/, keys.auth);
}

function must(found: string | undefined | false | 0, otherwise: string): string {
  if (found) return found;
  throw new Error(otherwise);
}
