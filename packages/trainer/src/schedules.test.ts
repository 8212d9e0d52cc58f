import { describe, expect, it } from 'vitest';
import { cosineSchedule, createSchedules, scaledLearningRate } from './schedules';

describe('cosineSchedule', () => {
  it('gives the reference values', () => {
    const schedule = cosineSchedule({ base: 1, final: 0.1, total: 10, warmup: 3 });
    // training.md section 2, printed there to six digits.
    const expected = [0, 0.5, 1, 1, 0.955436, 0.83057, 0.650134, 0.449866, 0.26943, 0.144564, 0.1, 0.1];
    expected.forEach((value, iteration) => expect(schedule(iteration)).toBeCloseTo(value, 6));
  });

  it('freezes before it warms up', () => {
    const schedule = cosineSchedule({ base: 2, final: 0, total: 8, warmup: 3, start: 1, freeze: 2 });
    expect([0, 1, 2, 3, 4, 5].map(schedule)).toEqual([0, 0, 1, 1.5, 2, 2]);
  });

  it('refuses a warm-up longer than the run', () => {
    expect(() => cosineSchedule({ base: 1, final: 0, total: 10, warmup: 8, freeze: 3 })).toThrow(/warm-up of 8 .* 3 .* into 10/);
  });
});

describe('scaledLearningRate', () => {
  it('is that of the two published recipes', () => {
    expect(scaledLearningRate(4e-3, 2048)).toBeCloseTo(5.657e-3, 6);
    expect(scaledLearningRate(2e-4, 3072)).toBeCloseTo(3.464e-4, 7);
  });
});

describe('createSchedules', () => {
  const schedules = createSchedules({
    iterations: 125_000,
    batchSize: 1024,
    accumulationSteps: 2,
    optimizer: {
      baseLearningRate: 4e-3, minLearningRate: 1e-6, warmupIterations: 12_500, freezeLastLayerIterations: 1250,
      weightDecay: 0.04, weightDecayEnd: 0.4, clipGradient: 3, layerwiseDecay: 0.9, patchEmbedMultiplier: 0.2,
      beta1: 0.9, beta2: 0.999,
    },
    teacher: { momentum: 0.992, momentumEnd: 1, warmupTemperature: 0.04, temperature: 0.07, temperatureWarmupIterations: 37_500 },
  });

  it('starts at learning rate 0 and peaks at the scaled one', () => {
    expect(schedules.learningRate(0)).toBe(0);
    expect(schedules.learningRate(12_499)).toBeCloseTo(4e-3 * Math.SQRT2, 12);
    expect(schedules.learningRate(12_500)).toBeCloseTo(4e-3 * Math.SQRT2, 12);
    expect(schedules.learningRate(125_000)).toBe(1e-6);
  });

  it('freezes the last layer by learning rate only', () => {
    expect(schedules.lastLayerLearningRate(1249)).toBe(0);
    expect(schedules.lastLayerLearningRate(1250)).toBe(schedules.learningRate(1250));
  });

  it('warms the teacher temperature up linearly, then holds it', () => {
    expect(schedules.teacherTemperature(0)).toBe(0.04);
    expect(schedules.teacherTemperature(37_499)).toBeCloseTo(0.07, 12);
    expect(schedules.teacherTemperature(37_500)).toBe(0.07);
    expect(schedules.teacherTemperature(124_999)).toBe(0.07);
  });

  it('raises weight decay and momentum on a cosine without warm-up', () => {
    expect(schedules.weightDecay(0)).toBeCloseTo(0.04, 12);
    expect(schedules.weightDecay(62_500)).toBeCloseTo(0.22, 12);
    expect(schedules.teacherMomentum(0)).toBeCloseTo(0.992, 12);
    expect(schedules.teacherMomentum(125_000)).toBe(1);
  });
});
