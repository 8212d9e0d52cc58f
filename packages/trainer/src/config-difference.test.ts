import { expect, it } from 'vitest';
import { configDifference, configHash } from './config-difference';

const saved = { seed: 0, optimizer: { weightDecay: 0.04, beta1: 0.9 }, ibot: { maskRatio: [0.1, 0.5] }, logEvery: 10 };

it('names the keys that differ, with both values', () => {
  const given = { seed: 0, optimizer: { weightDecay: 0.2 }, ibot: { maskRatio: [0.1, 0.4] }, logEvery: 10 };
  expect(configDifference(saved, given)).toEqual([
    'ibot.maskRatio: [0.1,0.5] -> [0.1,0.4]',
    'optimizer.beta1: 0.9 -> absent',
    'optimizer.weightDecay: 0.04 -> 0.2',
  ]);
});

it('ignores the order of keys and how often a run reports', () => {
  const same = { ibot: { maskRatio: [0.1, 0.5] }, optimizer: { beta1: 0.9, weightDecay: 0.04 }, seed: 0, logEvery: 50 };
  expect(configDifference(saved, same)).toEqual([]);
  expect(configHash(saved)).toBe(configHash(same));
  expect(configHash(saved)).not.toBe(configHash({ ...saved, seed: 1 }));
});
