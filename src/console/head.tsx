/** The first line of a row: what it is about, and beside it when, or how much. */
export function Head({ name, aside, isBad = false }: { name: string; aside: string; isBad?: boolean }) {
  return (
    <p class="head">
      <strong class={isBad ? "bad" : ""}>{name}</strong>
      <span class="note">{aside}</span>
    </p>
  );
}
