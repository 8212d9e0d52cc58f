import { MultiBar, Presets } from 'cli-progress';
import { duration } from './format';

/** Shows how counted work goes on: a bar on a terminal, a line now and then elsewhere. */
export interface Progress {
  /** `done` of the total are done. */
  update(done: number, status?: ProgressStatus): void;
  /** Print a line without tearing the bar. */
  say(text: string): void;
  end(): void;
}

/** What stands beside and below the count. */
export interface ProgressStatus {
  /** Units per second; by default measured since the start. */
  readonly rate?: number;
  /** By default as long as the rest takes at the pace since the start. */
  readonly secondsLeft?: number;
  /** One for each line of `details`; an empty one is left out of the log. */
  readonly details?: readonly string[];
}

export interface ProgressOptions {
  readonly total: number;
  /** Of the units done, how many were when this process started; 0 by default. */
  readonly first?: number;
  /** What is counted, in the plural: `images`. */
  readonly unit: string;
  /** What is being done: `features`, `step`. Stands first in a line of the log, and before the bar unless it counts itself. */
  readonly label: string;
  /** Units between lines where there is no terminal; by default a line every five seconds, and the last. */
  readonly every?: number;
  /** Lines below the bar; 0 by default. */
  readonly details?: number;
  /** Shown until the first update. */
  readonly waiting?: string;
}

/** Show counted work on a stream, the standard output by default. */
export function createProgress(
  { total, first = 0, unit, label, every, details = 0, waiting = '' }: ProgressOptions,
  stream: NodeJS.WriteStream = process.stdout,
): Progress {
  const started = performance.now();
  const describe = (done: number, status: ProgressStatus) => {
    const seconds = (performance.now() - started) / 1000;
    const { rate = (done - first) / Math.max(seconds, 1e-3), secondsLeft = (seconds * (total - done)) / Math.max(1, done - first) } = status;
    return `${rate < 99.95 ? rate.toFixed(1) : Math.round(rate)} ${unit}/s  ${duration(secondsLeft)} left`;
  };
  if (!stream.isTTY) {
    let printed = started;
    return {
      update(done, status = {}) {
        const due = every === undefined ? performance.now() - printed >= 5000 : done % every === 0;
        if (!due && done < total) return;
        printed = performance.now();
        stream.write(`${[`${label} ${done}/${total}`, ...(status.details ?? []), describe(done, status)].filter(Boolean).join('  ')}\n`);
      },
      say: (text) => void stream.write(`${text}\n`),
      end: () => {},
    };
  }
  // Several lines: all of it on one is wider than a terminal of 80 columns.
  const bars = new MultiBar({ barsize: 18, hideCursor: true, linewrap: false, stream, fps: 5 }, Presets.shades_classic);
  const bar = bars.create(total, first, { text: waiting }, { format: `${label} {bar} {value}/{total}  {text}` });
  const rows = Array.from({ length: details }, () => bars.create(1, 0, { text: '' }, { format: '{text}' }));
  return {
    update(done, status = {}) {
      bar.update(done, { text: describe(done, status) });
      rows.forEach((row, i) => row.update({ text: status.details?.[i] ?? '' }));
    },
    say: (text) => bars.log(`${text}\n`),
    end: () => bars.stop(),
  };
}
