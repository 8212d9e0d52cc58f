import { createProgress } from '@dinov2/app-kit';
import type { MetricsLine } from '@dinov2/trainer';

/** Shows how a run goes on: a bar on a terminal, a line now and then elsewhere. */
export interface TrainingProgress {
  step(line: MetricsLine): void;
  /** Print a line without tearing the bar. */
  say(text: string): void;
  end(): void;
}

export interface TrainingProgressOptions {
  readonly iterations: number;
  /** Iterations done when this process started. */
  readonly first: number;
  /** Iterations between lines without a terminal. */
  readonly every: number;
  /** Iterations in which the backbone keeps still. */
  readonly frozenUntil?: number;
}

export function createTrainingProgress(
  { iterations, first, every, frozenUntil = 0 }: TrainingProgressOptions,
  stream: NodeJS.WriteStream = process.stdout,
): TrainingProgress {
  const frozen = (done: number) => (done < frozenUntil ? `backbone frozen until step ${frozenUntil}` : '');
  const details = first < frozenUntil ? 2 : 1;
  const { update, say, end } = createProgress(
    { total: iterations, first, unit: 'images', label: 'step', every, details, waiting: 'compiling the step' },
    stream,
  );
  return {
    step(line) {
      const done = line.iteration + 1;
      update(done, { rate: line['imagesPerSecond'] ?? NaN, details: [describeLosses(line), frozen(done)].slice(0, details) });
    },
    say,
    end,
  };
}

const number = (line: MetricsLine, key: string, digits = 2) => (line[key] ?? NaN).toFixed(digits);

const describeLosses = (line: MetricsLine): string =>
  `loss ${number(line, 'loss')} (dino ${number(line, 'dinoGlobalLoss')} + ${number(line, 'dinoLocalLoss')}, ibot ${number(line, 'ibotLoss')}, koleo ${number(line, 'koleoLoss', 3)})  ` +
  `lr ${(line['learningRate'] ?? NaN).toExponential(1)}`;
