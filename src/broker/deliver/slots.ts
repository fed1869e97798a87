/** So many things at once: whoever is slow holds one slot, and nobody up but those who wait for one. */
export type Slots = ReturnType<typeof createSlots>;

export function createSlots(count: number) {
  const running = new Set<Promise<void>>();
  const waiting: (() => void)[] = [];

  /** Starts something when there is a slot for it. What it throws is its own affair. */
  async function start(run: () => Promise<void>): Promise<void> {
    while (running.size >= count) await new Promise<void>((resolve) => waiting.push(resolve));
    const done = run().catch(() => {}).finally(() => {
      running.delete(done);
      waiting.shift()?.();
    });
    running.add(done);
  }

  /** Resolves when nothing runs that runs now. */
  async function settled(): Promise<void> {
    await Promise.all(running);
  }

  return { start, settled };
}
