import type { Chart, Series } from '@dinov2/app-kit';
import type { EvaluationPoint } from './page';

/** One line of `metrics.jsonl`; `iteration` counts from 0. */
export type MetricsLine = Readonly<Record<string, unknown>> & { readonly iteration: number };

const charts: readonly { readonly id: string; readonly title: string; readonly series: readonly (readonly [key: string, name: string])[] }[] = [
  { id: 'loss', title: 'Loss', series: [['loss', 'sum of all terms']] },
  {
    id: 'terms',
    title: 'Loss terms',
    series: [['dinoGlobalLoss', 'DINO global'], ['dinoLocalLoss', 'DINO local'], ['ibotLoss', 'iBOT'], ['koleoLoss', 'KoLeo']],
  },
  { id: 'entropy', title: 'Entropy of the teacher’s targets', series: [['teacherEntropy', 'nats']] },
  { id: 'rate', title: 'Learning rate', series: [['learningRate', 'learning rate'], ['backboneLearningRate', 'backbone']] },
  { id: 'gradients', title: 'Gradient norms', series: [['gradientNorm.backbone', 'backbone'], ['gradientNorm.dinoHead', 'DINO head'], ['gradientNorm.ibotHead', 'iBOT head']] },
  { id: 'parameters', title: 'Parameter norms', series: [['parameterNorm.backbone', 'backbone'], ['parameterNorm.dinoHead', 'DINO head'], ['parameterNorm.ibotHead', 'iBOT head']] },
  { id: 'updates', title: 'Update norms', series: [['updateNorm.backbone', 'backbone'], ['updateNorm.dinoHead', 'DINO head'], ['updateNorm.ibotHead', 'iBOT head']] },
  { id: 'momentum', title: 'Teacher momentum', series: [['teacherMomentum', 'momentum']] },
  { id: 'decay', title: 'Weight decay', series: [['weightDecay', 'weight decay']] },
  { id: 'speed', title: 'Speed', series: [['imagesPerSecond', 'images per second']] },
];

const colours = ['--c1', '--c2', '--c3', '--c4'];

/** The charts for which the log has values. */
export function runCharts(lines: readonly MetricsLine[]): Chart[] {
  const steps = lines.map((line) => line.iteration + 1);
  return charts.flatMap(({ id, title, series }) => {
    const present: Series[] = series
      .map(([key, name]) => ({ name, values: lines.map((line) => (Number.isFinite(line[key]) ? (line[key] as number) : null)) }))
      .filter(({ values }) => values.some((value) => value !== null && value !== 0))
      .map((s, i) => ({ ...s, colour: colours[i]! }));
    return present.length === 0 ? [] : [{ id: `chart-${id}`, title, steps, series: present }];
  });
}

/** How different the features of held-out pictures are, where it was measured more than once. */
export function spreadCharts(evaluations: readonly EvaluationPoint[]): Chart[] {
  const measured = evaluations.flatMap(({ iteration, spread }) => (spread === undefined ? [] : [{ iteration, ...spread }]));
  if (measured.length < 2) return [];
  const chart = (id: string, title: string, name: string, key: 'featureStd' | 'effectiveRank'): Chart => ({
    id,
    title,
    steps: measured.map(({ iteration }) => iteration),
    series: [{ name, colour: '--c1', values: measured.map((point) => point[key]), points: true }],
  });
  return [
    chart('chart-std', 'Spread of class tokens', 'standard deviation, 0 in a collapse', 'featureStd'),
    chart('chart-rank', 'Effective rank of class tokens', 'directions in use', 'effectiveRank'),
  ];
}
