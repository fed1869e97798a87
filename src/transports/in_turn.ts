/** Sending when it is the sender's turn at its origin, and telling the origin what came of it. */
import type { Outcome } from "../model/delivery.ts";
import type { createOrigins, Sender } from "./origins.ts";
import type { Result } from "./outcome.ts";

export type InTurn = (sender: Sender, push: () => Promise<Result>) => Promise<Outcome>;

/** `push` is called once, when there is a turn. */
export function createInTurn({ enter }: Pick<ReturnType<typeof createOrigins>, "enter">): InTurn {
  return async (sender, push) => {
    const turn = await enter(sender);
    if (!turn.go) return { kind: "retry", at: turn.at, tried: false };
    let result: Result | undefined;
    try {
      result = await push();
      return result.outcome;
    } finally {
      turn.leave(result?.verdict ?? { origin: "silent" });
    }
  };
}
