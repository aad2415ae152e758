/** Lines of a table in columns as wide as they need to be, for people. The first row is its head. */
export function tableLines(rows: readonly (readonly string[])[]): string[] {
  const lines: string[] = [];
  const table = tableOf((line) => lines.push(line), rows.length);
  for (const row of rows) table.add(row);
  table.end();
  return lines;
}

export interface Table {
  add(row: readonly string[]): void;
  /** Writes what still waits. */
  end(): void;
}

/**
 * A table of any length: the first `fitted` rows say how wide the columns are, so that no more than these are held. A
 * later cell that is wider makes its column wider from there on.
 */
export function tableOf(print: (line: string) => void, fitted = 100): Table {
  const widths: number[] = [];
  let waiting: (readonly string[])[] | undefined = [];
  const write = (row: readonly string[]): void => {
    const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
    print(cells.join('  ').trimEnd());
  };
  const end = (): void => {
    const rows = waiting ?? [];
    waiting = undefined;
    for (const row of rows) write(row);
  };
  return {
    add: (row) => {
      for (const [column, cell] of row.entries()) {
        widths[column] = Math.max(widths[column] ?? 0, cell.length);
      }
      if (waiting === undefined) write(row);
      else if (waiting.push(row) >= fitted) end();
    },
    end,
  };
}
