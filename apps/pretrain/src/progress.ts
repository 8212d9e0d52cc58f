import { MultiBar, Presets } from 'cli-progress';
import type { MetricsLine } from '@dinov2/trainer';
import { duration } from './format';

/** Shows how a run goes on: a bar on a terminal, a line now and then elsewhere. */
export interface Progress {
  step(line: MetricsLine): void;
  /** Print a line without tearing the bar. */
  say(text: string): void;
  end(): void;
}

export interface ProgressOptions {
  readonly iterations: number;
  /** Iterations done when this process started. */
  readonly first: number;
  /** Iterations between lines without a terminal. */
  readonly every: number;
  /** Iterations in which the backbone keeps still. */
  readonly frozenUntil?: number;
}

export function createProgress({ iterations, first, every, frozenUntil = 0 }: ProgressOptions, stream: NodeJS.WriteStream = process.stdout): Progress {
  const started = performance.now();
  const left = (done: number) => (((performance.now() - started) / 1000) * (iterations - done)) / Math.max(1, done - first);
  const frozen = (done: number) => (done < frozenUntil ? `backbone frozen until step ${frozenUntil}` : '');
  if (!stream.isTTY) {
    return {
      step(line) {
        const done = line.iteration + 1;
        if (done % every === 0 || done === iterations) {
          stream.write(`${[`step ${done}/${iterations}`, describeLosses(line), describePace(line, left(done)), frozen(done)].filter(Boolean).join('  ')}\n`);
        }
      },
      say: (text) => void stream.write(`${text}\n`),
      end: () => {},
    };
  }
  // Several lines: all of it on one is wider than a terminal of 80 columns.
  const bars = new MultiBar({ barsize: 18, hideCursor: true, linewrap: false, stream, fps: 5 }, Presets.shades_classic);
  const bar = bars.create(iterations, first, { text: 'compiling the step' }, { format: '{bar} {value}/{total}  {text}' });
  const losses = bars.create(1, 0, { text: '' }, { format: '{text}' });
  const phase = first < frozenUntil ? bars.create(1, 0, { text: frozen(first) }, { format: '{text}' }) : undefined;
  return {
    step(line) {
      const done = line.iteration + 1;
      bar.update(done, { text: describePace(line, left(done)) });
      losses.update({ text: describeLosses(line) });
      phase?.update({ text: frozen(done) });
    },
    say: (text) => bars.log(`${text}\n`),
    end: () => bars.stop(),
  };
}

const number = (line: MetricsLine, key: string, digits = 2) => (line[key] ?? NaN).toFixed(digits);

const describeLosses = (line: MetricsLine): string =>
  `loss ${number(line, 'loss')} (dino ${number(line, 'dinoGlobalLoss')} + ${number(line, 'dinoLocalLoss')}, ibot ${number(line, 'ibotLoss')}, koleo ${number(line, 'koleoLoss', 3)})  ` +
  `lr ${(line['learningRate'] ?? NaN).toExponential(1)}`;

const describePace = (line: MetricsLine, left: number): string => `${number(line, 'imagesPerSecond', 1)} images/s  ${duration(left)} left`;
