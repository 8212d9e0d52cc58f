import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkConfig, writeConfig } from './config-file';
import { microConfig } from './micro-config.testing';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'config-file-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('a process trains with the first one if it sees its folder and has its configuration', async () => {
  await expect(checkConfig(folder, microConfig, 1)).rejects.toThrow(/Process 1 does not see in .*storage that all hosts see/);
  await writeConfig(folder, microConfig);
  await checkConfig(folder, microConfig, 1);
  await expect(checkConfig(folder, { ...microConfig, seed: microConfig.seed + 1 }, 1)).rejects.toThrow(/Process 1 differs from process 0 in seed: \d+ -> \d+; start all processes with the same command/);
  await expect(checkConfig(folder, { ...microConfig, logEvery: microConfig.logEvery + 1 }, 2)).rejects.toThrow(/Process 2 differs from process 0 in how often it logs/);
});
