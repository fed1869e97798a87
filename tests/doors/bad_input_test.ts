/** Every kind of bad input, over HTTP: the status, the code, and that nothing was stored or said. */
import { equal } from "../helpers/assert.ts";
import { checkNothingHappened, openKit, readAnswer, type Row } from "../helpers/bad_input.ts";
import { GATEWAY } from "./bad_input/gateway.ts";
import { SETS } from "./bad_input/sets.ts";
import { ADDRESSES, STREAMS } from "./bad_input/streams.ts";
import { PUSH_SUBSCRIBES, SUBSCRIPTIONS } from "./bad_input/subscriptions.ts";
import { TOKEN_ROWS } from "./bad_input/tokens.ts";
import { UPDATES } from "./bad_input/updates.ts";

const tables: [door: string, rows: Row[]][] = [
  ["events", SETS],
  ["gateway", GATEWAY],
  ["push-subscribe", PUSH_SUBSCRIBES],
  ["subscriptions", SUBSCRIPTIONS],
  ["update", UPDATES],
  ["stream", STREAMS],
  ["app", ADDRESSES],
  ...Object.entries(TOKEN_ROWS),
];

const rows = tables.flatMap(([door, rows]) => rows.map(([what, ...rest]): Row => [`${door}: ${what}`, ...rest]));

// For a body that nobody reads, @hono/node-server keeps a timer of half a second: those rows come last, unwatched.
const isUnread = ([, status]: Row) => status === 413;

for (const row of [...rows.filter((row) => !isUnread(row)), ...rows.filter(isUnread)]) {
  const [what, status, code, send] = row;
  Deno.test({
    name: `${what} is ${status} ${code}`,
    sanitizeOps: !isUnread(row),
    sanitizeResources: !isUnread(row),
    async fn() {
      await using kit = await openKit();
      const answer = await readAnswer(kit, await send(kit));
      equal([answer.status, answer.code], [status, code], answer.text);
      await checkNothingHappened(kit);
    },
  });
}
