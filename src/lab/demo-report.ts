// What the demo prints at the end: the table of hosts, the ping matrix, how to enter. Text from values, no I/O.

/** Aligns rows into columns, two blanks apart. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export interface HostRow {
  readonly host: string;
  readonly publicIp: string;
  readonly subnet: string;
  readonly mtu: number;
  readonly backend: string;
}

export function hostTable(rows: readonly HostRow[]): string {
  const cells = rows.map((row) => [row.host, row.publicIp, row.subnet, String(row.mtu), row.backend]);
  return table([['host', 'public IP', 'subnet', 'MTU', 'backend'], ...cells]);
}

/** Round trips in milliseconds by row (from) and column (to); undefined is a ping that got no reply. */
export type PingMatrix = readonly (readonly (number | undefined)[])[];

export function pingTable(names: readonly string[], matrix: PingMatrix): string {
  const rows = names.map((name, from) => [
    name,
    ...names.map((_, to) => {
      if (from === to) return '-';
      const rtt = matrix[from]?.[to];
      return rtt === undefined ? 'LOST' : `${rtt.toFixed(2)} ms`;
    }),
  ]);
  return table([['from \\ to', ...names], ...rows]);
}

/** How many pairs answered, of how many. */
export function countPairs(matrix: PingMatrix): { readonly reached: number; readonly total: number } {
  const cells = matrix.flatMap((row, from) => row.filter((_, to) => to !== from));
  return { reached: cells.filter((rtt) => rtt !== undefined).length, total: cells.length };
}

/** Bits per second as people say it. */
export function bitrate(bitsPerSecond: number): string {
  return bitsPerSecond >= 1e9
    ? `${(bitsPerSecond / 1e9).toFixed(1)} Gbit/s`
    : `${(bitsPerSecond / 1e6).toFixed(0)} Mbit/s`;
}
