import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createProgress, type Progress, type ProgressOptions } from './progress';

/** What is written while `use` works, on a terminal of 80 columns or elsewhere. */
function written(isTTY: boolean, options: Partial<ProgressOptions>, use: (progress: Progress) => void): string {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 80, rows: 24, cursorTo() {}, moveCursor() {}, clearLine() {}, clearScreenDown() {} });
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const progress = createProgress({ total: 100, unit: 'images', label: 'features', ...options }, stream as never);
  use(progress);
  progress.end();
  stream.read();
  return stripVTControlCharacters(text);
}

describe('createProgress', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('measures the rate and the time left of what this process does', () => {
    const text = written(false, { first: 20 }, (progress) => {
      vi.advanceTimersByTime(10_000);
      progress.update(60); // 40 in ten seconds
    });
    expect(text).toBe('features 60/100  4.0 images/s  10 s left\n');
  });

  it('writes a line every five seconds and the last one where there is no terminal', () => {
    const text = written(false, {}, (progress) => {
      for (let done = 1; done <= 100; done++) {
        vi.advanceTimersByTime(120);
        progress.update(done);
      }
      progress.say('done');
    });
    expect(text.match(/\d+\/100/g)).toEqual(['42/100', '84/100', '100/100']);
    expect(text).toMatch(/done\n$/);
  });

  it('writes a line every so many units if asked to, with what the caller knows better', () => {
    const text = written(false, { every: 50 }, (progress) => {
      progress.update(49);
      progress.update(50, { rate: 1234.5, secondsLeft: 61, details: ['loss 1', '', 'end'] });
    });
    expect(text).toBe('features 50/100  loss 1  end  1235 images/s  1 min 1 s left\n');
  });

  it('draws a bar with lines below it on a terminal', () => {
    const text = written(true, { details: 1 }, (progress) => progress.update(50, { rate: 5, secondsLeft: 10, details: ['loss 1'] }));
    for (const part of ['features', '50/100', '5.0 images/s  10 s left', 'loss 1']) expect(text).toContain(part);
  });
});
