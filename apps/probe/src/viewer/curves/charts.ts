import type { MetricsLine } from '../../view/protocol';

export interface CurveChart {
  readonly title: string;
  readonly series: readonly { readonly key: string; readonly name: string }[];
}

const groups: readonly { readonly title: string; readonly series: readonly (readonly [key: string, name: string])[] }[] = [
  { title: 'Loss', series: [['loss', 'sum of all terms']] },
  { title: 'Loss terms', series: [['dinoGlobalLoss', 'DINO global'], ['dinoLocalLoss', 'DINO local'], ['ibotLoss', 'iBOT'], ['koleoLoss', 'KoLeo']] },
  { title: 'Entropy of the teacher’s targets', series: [['teacherEntropy', 'nats']] },
  { title: 'Learning rate', series: [['learningRate', 'learning rate'], ['backboneLearningRate', 'backbone']] },
  { title: 'Gradient norms', series: [['gradientNorm.backbone', 'backbone'], ['gradientNorm.dinoHead', 'DINO head'], ['gradientNorm.ibotHead', 'iBOT head']] },
  { title: 'Parameter norms', series: [['parameterNorm.backbone', 'backbone'], ['parameterNorm.dinoHead', 'DINO head'], ['parameterNorm.ibotHead', 'iBOT head']] },
  { title: 'Update norms', series: [['updateNorm.backbone', 'backbone'], ['updateNorm.dinoHead', 'DINO head'], ['updateNorm.ibotHead', 'iBOT head']] },
  { title: 'Teacher momentum', series: [['teacherMomentum', 'momentum']] },
  { title: 'Weight decay', series: [['weightDecay', 'weight decay']] },
  { title: 'Speed', series: [['imagesPerSecond', 'images per second']] },
];

/** The charts for which a log has values. */
export function chartsOf(lines: readonly MetricsLine[]): CurveChart[] {
  return groups.flatMap(({ title, series }) => {
    const present = series.filter(([key]) => lines.some((line) => Number.isFinite(line[key]) && line[key] !== 0)).map(([key, name]) => ({ key, name }));
    return present.length === 0 ? [] : [{ title, series: present }];
  });
}

/** Columns for uPlot: steps, then the values of each series, null where there is none. */
export function columnsOf(lines: readonly MetricsLine[], { series }: CurveChart): (number | null)[][] {
  return [
    lines.map(({ iteration }) => iteration + 1),
    ...series.map(({ key }) => lines.map((line) => (Number.isFinite(line[key]) ? line[key]! : null))),
  ];
}

/** Lines in order of iteration; of one that a continued run computed twice, the later. */
export function merge(before: readonly MetricsLine[], added: readonly MetricsLine[]): MetricsLine[] {
  const last = before.at(-1)?.iteration ?? -1;
  if (added.every(({ iteration }, i) => iteration > (i === 0 ? last : added[i - 1]!.iteration))) return [...before, ...added];
  return [...new Map([...before, ...added].map((line) => [line.iteration, line])).values()].sort((a, b) => a.iteration - b.iteration);
}
