import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ShardWriter } from './shard-writer';

it('refuses at once what the disk has no space for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'features-'));
  const content = { outputs: { classTokens: 1 }, layout: { classTokens: [1, 384], precision: 'float16' } } as const;
  // 10¹² images of 1536 bytes
  await expect(ShardWriter.create(folder, content, 1e12)).rejects.toThrow(
    /^the features of 1000000000000 images take 1536000 GB and .* has [\d.]+ GB left; free some space, choose another cache folder or ask for fewer outputs$/,
  );
  expect(readdirSync(folder)).toEqual([]);
  rmSync(folder, { recursive: true });
});
