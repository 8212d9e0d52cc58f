import type { ProfileEntry } from './engine';

/** Add up entries of the same op, kernel and scope; slowest first. */
export function aggregateProfile(entries: readonly ProfileEntry[]): ProfileEntry[] {
  const sums = new Map<string, { -readonly [K in keyof ProfileEntry]: ProfileEntry[K] }>();
  for (const entry of entries) {
    const key = JSON.stringify([entry.op, entry.kernel, entry.scope]);
    const sum = sums.get(key);
    if (sum === undefined) {
      sums.set(key, { ...entry });
    } else {
      sum.calls += entry.calls;
      sum.milliseconds += entry.milliseconds;
      sum.flops += entry.flops;
    }
  }
  return [...sums.values()].sort((a, b) => b.milliseconds - a.milliseconds);
}

/** A profile as a table: time, share, calls, GFLOP/s, op, kernel, scope; the slowest `limit` rows. */
export function formatProfile(entries: readonly ProfileEntry[], limit = 30): string {
  const sorted = [...entries].sort((a, b) => b.milliseconds - a.milliseconds);
  const total = sorted.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const rows = sorted.slice(0, limit).map((e) => [
    e.milliseconds.toFixed(2),
    `${((100 * e.milliseconds) / (total || 1)).toFixed(1)} %`,
    String(e.calls),
    e.flops > 0 ? (e.flops / 1e6 / (e.milliseconds || Infinity)).toFixed(1) : '',
    e.op,
    e.kernel,
    e.scope,
  ]);
  const table = [['ms', 'share', 'calls', 'GFLOP/s', 'op', 'kernel', 'scope'], ...rows];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  const lines = table.map((row) =>
    row.map((cell, i) => (i < 4 ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('  ').trimEnd(),
  );
  const rest = sorted.length - rows.length;
  return [...lines, ...(rest > 0 ? [`… ${rest} more`] : []), `${total.toFixed(2)} ms in total`].join('\n');
}
