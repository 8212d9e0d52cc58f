import { expect, it } from 'vitest';
import { ProgressMeter } from './progress-meter';
import type { ExtractProgress } from './types';

it('tells the speed of the last batches', () => {
  const seen: ExtractProgress[] = [];
  let time = 0;
  const meter = new ProgressMeter(2000, 1600, (progress) => seen.push(progress), () => time);
  const batch = (seconds: number) => {
    time += seconds;
    meter.advance(16);
  };
  batch(10); // compiles
  expect(seen.at(-1)).toEqual({ done: 416, total: 2000, cached: 400, imagesPerSecond: 1.6, secondsLeft: 990 });
  for (let i = 1; i < 60; i++) batch(0.5);
  // The slow beginning is forgotten: 32 images a second, 640 of 1600 to go.
  expect(seen.at(-1)).toMatchObject({ done: 1360, imagesPerSecond: 32, secondsLeft: 20 });
});
