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
}

export function createProgress({ iterations, first, every }: ProgressOptions, stream: NodeJS.WriteStream = process.stdout): Progress {
  const started = performance.now();
  const left = (done: number) => (((performance.now() - started) / 1000) * (iterations - done)) / Math.max(1, done - first);
  if (!stream.isTTY) {
    return {
      step(line) {
        const done = line.iteration + 1;
        if (done % every === 0 || done === iterations) stream.write(`step ${done}/${iterations}  ${describe(line)}  ${duration(left(done))} left\n`);
      },
      say: (text) => void stream.write(`${text}\n`),
      end: () => {},
    };
  }
  const bars = new MultiBar(
    { format: '{bar} {value}/{total}  {text}', barsize: 18, hideCursor: true, linewrap: false, stream, fps: 5 },
    Presets.shades_classic,
  );
  const bar = bars.create(iterations, first, { text: 'compiling the step' });
  return {
    step(line) {
      const done = line.iteration + 1;
      bar.update(done, { text: `${describe(line)}  ${duration(left(done))} left` });
    },
    say: (text) => bars.log(`${text}\n`),
    end: () => bars.stop(),
  };
}

function describe(line: MetricsLine): string {
  const number = (key: string, digits = 2) => (line[key] ?? NaN).toFixed(digits);
  return (
    `loss ${number('loss')} (dino ${number('dinoGlobalLoss')} + ${number('dinoLocalLoss')}, ibot ${number('ibotLoss')}, koleo ${number('koleoLoss', 3)})  ` +
    `lr ${(line['learningRate'] ?? NaN).toExponential(1)}  ${number('imagesPerSecond', 1)} images/s`
  );
}
