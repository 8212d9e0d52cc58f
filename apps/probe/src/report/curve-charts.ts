import type { Chart } from '@dinov2/app-kit';
import { isShare } from '../results/metric';
import type { Curve, Result } from '../results/schema';
import { uniqueNames } from './rows';

const colours = ['--c1', '--c2', '--c3', '--c4', '--good', '--bad', '--accent', '--soft'];

/** Curves of the same title in one chart, those of all results on common steps. */
export function curveCharts(results: readonly Result[]): Chart[] {
  const names = uniqueNames(results);
  const byTitle = new Map<string, { curve: Curve; result: string }[]>();
  for (const [i, { curves = [] }] of results.entries()) {
    for (const curve of curves) byTitle.set(curve.title, [...(byTitle.get(curve.title) ?? []), { curve, result: names[i]! }]);
  }
  return [...byTitle].map(([title, members], number) => {
    const steps = [...new Set(members.flatMap(({ curve }) => curve.at))].sort((a, b) => a - b);
    const series = members.flatMap(({ curve, result }) =>
      curve.series.map(({ name, values }) => {
        const at = new Map(curve.at.map((step, i) => [step, values[i] ?? null]));
        return { name: results.length === 1 ? name : curve.series.length === 1 ? result : `${result}, ${name}`, values: steps.map((step) => at.get(step) ?? null) };
      }),
    );
    return {
      id: `curve-${number}`,
      title,
      steps,
      unit: members[0]!.curve.unit,
      percent: isShare(title),
      height: 210,
      series: series.map((one, i) => ({ ...one, colour: colours[i % colours.length]!, dash: i >= colours.length, points: steps.length < 20 })),
    };
  });
}
