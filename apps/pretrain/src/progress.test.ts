import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createTrainingProgress } from './progress';

const line = {
  iteration: 98_765, loss: 25.1234, dinoGlobalLoss: 11.0904, dinoLocalLoss: 11.0904, ibotLoss: 11.0904, koleoLoss: -0.123,
  learningRate: 5.657e-3, imagesPerSecond: 1234.56,
} as never;

/** What `createTrainingProgress` writes for one step, on a terminal of 80 columns or elsewhere. */
function written(isTTY: boolean, frozenUntil?: number): string {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 80, rows: 24, cursorTo() {}, moveCursor() {}, clearLine() {}, clearScreenDown() {} });
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const progress = createTrainingProgress({ iterations: 125_000, first: 98_000, every: 2, frozenUntil }, stream as never);
  progress.step(line);
  progress.end();
  stream.read();
  return stripVTControlCharacters(text);
}

describe('createTrainingProgress', () => {
  it.each([true, false])('shows loss terms, learning rate, images/s and time left (terminal: %s)', (isTTY) => {
    const text = written(isTTY);
    for (const part of ['98766/125000', 'loss 25.12 (dino 11.09 + 11.09, ibot 11.09, koleo -0.123)', 'lr 5.7e-3', '1235 images/s', 's left']) {
      expect(text).toContain(part);
    }
  });

  it.each([true, false])('says until when the backbone is frozen (terminal: %s)', (isTTY) => {
    expect(written(isTTY, 99_000)).toContain('backbone frozen until step 99000');
    expect(written(isTTY, 98_000)).not.toContain('frozen');
    expect(written(isTTY)).not.toContain('frozen');
  });

  it('fits a terminal of 80 columns', () => {
    const widths = written(true, 99_000).split(/[\r\n]+/).map((row) => row.length);
    expect(Math.max(...widths)).toBeLessThanOrEqual(80);
    expect(Math.max(...widths)).toBeGreaterThan(40);
  });
});
