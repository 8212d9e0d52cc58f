import { createHash } from 'node:crypto';
import type { TrainerConfig } from './config';

/** Keys that change what a run reports and keeps, not what it computes. */
const withoutEffect: readonly (keyof TrainerConfig)[] = ['logEvery', 'checkpointEvery', 'keepCheckpoints', 'evaluateEvery'];

/**
 * The keys in which two configurations would compute different runs, as `optimizer.weightDecay: 0.04 -> 0.2`.
 * How often a run logs, saves and evaluates does not count.
 */
export function configDifference(saved: unknown, given: unknown): string[] {
  const before = flatten(saved);
  const after = flatten(given);
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((key) => !withoutEffect.includes(key as keyof TrainerConfig) && before.get(key) !== after.get(key))
    .sort()
    .map((key) => `${key}: ${before.get(key) ?? 'absent'} -> ${after.get(key) ?? 'absent'}`);
}

/** SHA-256 of what {@link configDifference} compares: equal hashes, equal runs. */
export function configHash(config: unknown): string {
  const lines = configDifference({}, config);
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}

function flatten(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [key, child] of Object.entries(value)) flatten(child, path ? `${path}.${key}` : key, into);
  } else if (value !== undefined) {
    into.set(path, JSON.stringify(value));
  }
  return into;
}
