import { afterEach, describe, expect, it, vi } from 'vitest';
import { terminalReporter } from './reporter';

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Lines that a reporter writes while it is told of progress at these milliseconds. */
function lines(progress: readonly (readonly [at: number, done: number])[]): string[] {
  vi.useFakeTimers();
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const start = performance.now();
  const advance = terminalReporter().progress('step', 'rows');
  for (const [at, done] of progress) {
    vi.advanceTimersByTime(start + at - performance.now());
    advance(done, 100);
  }
  return written.map((line) => line.replace(/ {2}.*/s, ''));
}

describe('terminalReporter', () => {
  it('says nothing of what is soon done', () => {
    expect(lines([[0, 0], [500, 50], [900, 100]])).toEqual([]);
    expect(lines([[0, 0], [9000, 100]])).toEqual([]);
  });

  it('shows long work, and again what begins again', () => {
    expect(lines([[0, 0], [2000, 10], [8000, 50], [9000, 100], [9500, 0], [9600, 100], [9700, 0], [12_000, 40], [12_500, 100]])).toEqual(['step 50/100', 'step 100/100', 'step 100/100']);
  });
});
