import { CurationError } from '../error';

/** A bound on a column: rows outside it are left out. */
export interface Rule {
  /** What is wrong with a row that breaks it, such as `blurred`. */
  readonly name: string;
  readonly column: string;
  /** The least value that is allowed. */
  readonly min?: number;
  /** The greatest value that is allowed. */
  readonly max?: number;
}

/**
 * Rules that leave out what no training wants: tiny, very long, flat, black, white-washed and blurred pictures, and noise. They are
 * meant to be passed by nearly every photograph and drawing; look at what they leave out before you tighten them.
 */
export const defaultRules: readonly Rule[] = [
  { name: 'too small', column: 'width', min: 32 },
  { name: 'too small', column: 'height', min: 32 },
  { name: 'too long', column: 'aspect', min: 1 / 5, max: 5 },
  { name: 'near-uniform', column: 'uniformity', max: 0.98 },
  { name: 'too dark', column: 'brightness99', min: 0.12 },
  { name: 'too bright', column: 'brightness05', max: 0.95 },
  { name: 'blurred', column: 'sharpness', min: 3 },
  { name: 'noise', column: 'noise', max: 0.8 },
];

/** What rules say of rows. Nothing is left out by it. */
export interface RuleDecisions {
  /** 1 for rows that break no rule, (rows,). */
  readonly keep: Uint8Array;
  /** The first rule that each row breaks; −1 for none. */
  readonly rule: Int16Array;
  /** For each rule, how many rows break it, whether or not they break others too. */
  readonly broken: readonly number[];
  /** Why a row goes, such as `too small: width 20 is below 32`; undefined when it stays. */
  reason(row: number): string | undefined;
}

/**
 * Decide over rows by bounds on their columns. A value that is not a number, of a picture that could not be measured, breaks
 * no rule.
 *
 * @param columns - numbers by row, of `qualityColumns`, of a classifier, or of one's own
 * @throws CurationError when a rule has no column or no bound, or columns differ in length
 */
export function decideByRules(
  columns: Readonly<Record<string, ArrayLike<number>>>,
  rules: readonly Rule[] = defaultRules,
): RuleDecisions {
  const rows = Object.values(columns)[0]?.length ?? 0;
  for (const [name, values] of Object.entries(columns)) {
    if (values.length !== rows) {
      throw new CurationError(`the column ${name} has ${values.length} rows, others ${rows}; pass columns of one length`);
    }
  }
  const rule = new Int16Array(rows).fill(-1);
  const broken = rules.map((bound, index) => {
    const values = columnOf(columns, bound);
    let count = 0;
    for (let row = 0; row < rows; row++) {
      if (!breaks(bound, values[row]!)) continue;
      count++;
      if (rule[row] === -1) rule[row] = index;
    }
    return count;
  });
  return {
    keep: Uint8Array.from(rule, (index) => (index === -1 ? 1 : 0)),
    rule,
    broken,
    reason(row) {
      const bound = rules[rule[row] ?? -1];
      return bound && describe(bound, columns[bound.column]![row]!);
    },
  };
}

function columnOf(columns: Readonly<Record<string, ArrayLike<number>>>, { name, column, min, max }: Rule): ArrayLike<number> {
  const values = columns[column];
  if (values === undefined) {
    throw new CurationError(`the rule "${name}" is about the column ${column}; there are ${Object.keys(columns).join(', ')}`);
  }
  if (min === undefined && max === undefined) {
    throw new CurationError(`the rule "${name}" sets no bound on ${column}; give it a min or a max`);
  }
  return values;
}

function breaks({ min = -Infinity, max = Infinity }: Rule, value: number): boolean {
  return value < min || value > max;
}

function describe({ name, column, min, max }: Rule, value: number): string {
  const below = min !== undefined && value < min;
  return `${name}: ${column} ${round(value)} is ${below ? `below ${round(min)}` : `above ${round(max!)}`}`;
}

function round(value: number): string {
  return String(Number(value.toPrecision(3)));
}
