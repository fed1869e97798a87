/** Turns: at most so many have one at the same time, the others wait in the order in which they came. */
export type Turns = { enter: () => Promise<() => void> };

/** `enter` answers what gives the turn back; calling that twice gives it back once. */
export function createTurns(limit: number): Turns {
  const waiting: (() => void)[] = [];
  let free = limit;

  function next(): void {
    const first = waiting.shift();
    if (first) first();
    else free++;
  }

  async function enter(): Promise<() => void> {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => void waiting.push(resolve));
    let isOver = false;
    return () => {
      if (!isOver) next();
      isOver = true;
    };
  }

  return { enter };
}
