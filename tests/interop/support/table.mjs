/** Lines of columns, padded to equal width. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  return rows.map((row) => row.map((cell, column) => String(cell).padEnd(widths[column])).join('  ').trimEnd()).join('\n');
}

/** A number with two digits of mantissa. */
export const short = (x) => (Number.isFinite(x) ? (x === 0 ? '0' : x.toExponential(1)) : String(x));
