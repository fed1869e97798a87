import { createBudget } from "../../../src/broker/active/budget.ts";
import type { Asked } from "../../../src/model/active_subscription.ts";
import { equal, ok, refuses } from "../../helpers/assert.ts";
import { exact } from "../../helpers/active_cell.ts";

const SECOND = 1_000;

/** A budget on a clock of its own, and how often an owner may open such a stream at once. */
function setUp() {
  const clock = { now: 0 }, spend = createBudget(() => clock.now);
  async function openAll(owner: string | undefined, asked: Asked[]): Promise<number> {
    for (let opened = 0; opened < 100_000; opened++) {
      try {
        spend(owner, asked);
      } catch {
        await refuses("too_many_streams", () => spend(owner, asked));
        return opened;
      }
    }
    return Infinity;
  }
  return { clock, spend, openAll };
}

const usual = Array.from({ length: 5 }, (_, n) => exact(`https://dav.example/calendars/alice/${n}/${"x".repeat(20)}/`));
const longest = Array.from(
  { length: 100 },
  (_, n) => ({ ...exact(`${n}${"ä".repeat(1_020)}`), payload: { a: "x".repeat(1_000) } }),
);

Deno.test("budget: as many streams as one subject may have may come back at once", async () => {
  ok(await setUp().openAll("alice", usual) >= 100);
});

Deno.test("budget: of streams that cost the most there are few at once, then one in half a minute", async () => {
  const { clock, openAll } = setUp();
  ok(await openAll("alice", longest) <= 2);
  clock.now += 60 * SECOND;
  ok(await openAll("alice", longest) <= 3);
});

Deno.test("budget: what one owner has spent is nobody else's, and it is paid as time passes", async () => {
  const { clock, spend, openAll } = setUp();
  const first = await openAll("alice", usual);
  spend("bob", usual);
  clock.now += 10 * SECOND;
  const second = await openAll("alice", usual);
  ok(second > 0 && second < first, `${first} ${second}`);
  clock.now += 3_600 * SECOND;
  equal(await openAll("alice", usual), first);
});

Deno.test("budget: those whom nobody names share sixteen times as much", async () => {
  const { openAll } = setUp();
  const one = await openAll("alice", usual), unnamed = await openAll(undefined, usual);
  ok(unnamed > 15 * one && unnamed < 17 * one, `${one} ${unnamed}`);
});

Deno.test("budget: whoever has paid is forgotten, whoever has not is remembered among very many", async () => {
  const { clock, spend, openAll } = setUp();
  await openAll("alice", longest);
  for (let n = 0; n < 30_000; n++) {
    spend(`owner ${n}`, usual);
    clock.now += 0.1;
  }
  equal(await openAll("alice", longest), 0);
});
