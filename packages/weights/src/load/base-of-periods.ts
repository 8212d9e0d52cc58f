/**
 * The roundest base that explains stored rotary periods `base^(i/F)`, which may be rounded to bfloat16
 * (8 bits); nothing where no base can.
 */
export function baseOfPeriods(periods: Float32Array): number | undefined {
  const count = periods.length;
  const base = periods[count - 1] ** (count / (count - 1));
  if (!(base > 0 && Number.isFinite(base))) return undefined;
  const explains = (candidate: number): boolean =>
    periods.every((period, i) => Math.abs(period / candidate ** (i / count) - 1) <= 2 ** -8);
  return [100, Number(base.toPrecision(2)), Number(base.toPrecision(4))].find(explains) ?? base;
}
