/** Columns that are as wide as what stands in them: the first to the left, the others, which are figures, to the right. */
export function printTable(rows: string[][]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]) => row.map((cell, i) => i ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!));
  return rows.map((row) => line(row).join("  ").trimEnd()).join("\n");
}
