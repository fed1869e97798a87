/** Listens while the garbage is collected again and again, then aborts: run with `--v8-flags=--expose-gc`. Prints `ended`. */
import { openListening } from "./listening.ts";
import { openPushMailbox } from "./push_mailbox.ts";

const { gc } = globalThis as unknown as { gc: () => void };

await using mailbox = await openPushMailbox();
const listening = await openListening(mailbox), stream = await mailbox.stream(0);
for (let round = 1; round <= 5; round++) {
  stream.write(mailbox.event(`m${round}`, "hello", listening.keys));
  await mailbox.until(() => mailbox.acknowledged().length === round);
  gc();
}
await listening.stop();
await mailbox.until(stream.isOver);
console.log("ended");
