import { createProgress, duration, type Progress } from '@dinov2/app-kit';
import pc from 'picocolors';
import type { Advance } from './step';

/** What of a step's result is said. */
interface SaidResult {
  readonly in: number;
  readonly kept: number;
  readonly seconds: number;
  readonly reasons: Readonly<Record<string, number>>;
}

/** Tells the user how a run goes on. */
export interface Reporter {
  begin(label: string, images: number): void;
  skipped(label: string, result: SaidResult): void;
  done(label: string, result: SaidResult): void;
  progress(label: string, unit: string): Advance;
  endProgress(): void;
  say(text: string): void;
  warn(text: string): void;
}

/** Seconds before work is worth a bar. */
const PATIENCE_MS = 1000;

/** Lines and bars on the terminal. */
export function terminalReporter(): Reporter {
  let bar: Progress | undefined;
  const print = (text: string) => (bar === undefined ? console.log(text) : bar.say(text));
  const endProgress = () => {
    bar?.end();
    bar = undefined;
  };
  const counts = ({ in: entered, kept, reasons }: SaidResult) => {
    const all = Object.entries(reasons).map(([reason, count]) => `${reason} ${count.toLocaleString('en')}`);
    return `${entered.toLocaleString('en')} → ${kept.toLocaleString('en')}  ${pc.dim(all.join(', '))}`;
  };
  return {
    begin: () => {},
    skipped: (label, result) => print(`${pc.dim('·')} ${label}  ${counts(result)} ${pc.dim('(unchanged)')}`),
    done: (label, result) => print(`${pc.green('✓')} ${label}  ${counts(result)}  ${pc.dim(duration(result.seconds))}`),
    progress(label, unit) {
      endProgress();
      let [started, first, last] = [performance.now(), 0, Infinity];
      return (done, total) => {
        // Some work goes over its rows again and again.
        if (done < last) {
          endProgress();
          [started, first] = [performance.now(), done];
        }
        last = done;
        if (bar === undefined && (performance.now() - started < PATIENCE_MS || done >= total)) return;
        bar ??= createProgress({ total, first, unit, label });
        bar.update(done);
      };
    },
    endProgress,
    say: print,
    warn: (text) => print(`${pc.yellow('warning')} ${text}`),
  };
}

/** Says nothing. */
export const silentReporter: Reporter = {
  begin: () => {},
  skipped: () => {},
  done: () => {},
  progress: () => () => {},
  endProgress: () => {},
  say: () => {},
  warn: () => {},
};
