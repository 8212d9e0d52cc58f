import { describe, expect, it } from 'vitest';
import { planWorkers } from './plan-workers';

describe('planWorkers', () => {
  const GB = 1e9;
  it('has one worker of one thread per core where memory is plenty', () => {
    expect(planWorkers(8, 0.1 * GB, 16 * GB)).toEqual({ workers: 8, threads: 1, programs: 3 });
  });
  it('lets the copies of the weights fill a third of the free memory', () => {
    expect(planWorkers(8, 1.2 * GB, 16 * GB)).toEqual({ workers: 4, threads: 8, programs: 1 });
    expect(planWorkers(8, 4.5 * GB, 16 * GB)).toEqual({ workers: 1, threads: 8, programs: 1 });
    expect(planWorkers(8, 28 * GB, 16 * GB)).toEqual({ workers: 1, threads: 8, programs: 1 });
  });
  it('keeps to a number that was asked for', () => {
    expect(planWorkers(8, 28 * GB, 16 * GB, 16)).toEqual({ workers: 16, threads: 1, programs: 1 });
    expect(planWorkers(8, 0.1 * GB, 16 * GB, 1)).toEqual({ workers: 1, threads: 8, programs: 3 });
  });
});
