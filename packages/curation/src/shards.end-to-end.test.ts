import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateHeap } from './heap';
import { curateProgram, temporaryFolder } from './program.testing';

const { folder, remove } = temporaryFolder();
const plan = join(folder, 'plan.yaml');
beforeAll(async () => {
  await generateHeap(join(folder, 'heap'), { count: 100, seed: 5, evaluationTrain: 1, evaluationHeldout: 1 });
  writeFileSync(plan, 'sources: heap/images\nheldOut: heap/evaluation/heldout\nembed: { weights: pixels, shardRows: 16 }\nsteps: [filter, exact, { selfDeduplicate: { threshold: 0.95 } }, relativeDeduplicate, { cluster: { resampling: 1 } }, balance]\n');
});
afterAll(remove);

const run = (out: string, ...words: string[]) => curateProgram('run', plan, '--out', join(folder, out), ...words);
const manifestOf = (out: string) => ['manifest.parquet', 'manifest.jsonl'].map((name) => readFileSync(join(folder, out, name), 'base64'));
const merge = (out: string, ...parts: string[]) => curateProgram('merge', ...[out, ...parts].map((name) => join(folder, name)));

describe('shards', () => {
  it('make the manifest that one machine makes, once they are merged', async () => {
    expect((await run('alone')).code).toBe(0);

    for (const shard of [0, 1]) {
      const { code, output } = await run(`embedded-${shard}`, '--shard', `${shard}/2`);
      expect(output).toContain(`embed: shard ${shard}/2 is done`);
      expect(code).toBe(0);
      expect(existsSync(join(folder, `embedded-${shard}`, 'images.parquet'))).toBe(false);
    }
    expect((await merge('whole', 'embedded-0', 'embedded-1')).code).toBe(0);
    for (const shard of [0, 1]) {
      cpSync(join(folder, 'whole'), join(folder, `joined-${shard}`), { recursive: true });
      expect((await run(`joined-${shard}`, '--shard', `${shard}/2`)).output).toContain(`03-selfDeduplicate: shard ${shard}/2 is done`);
    }
    expect((await merge('whole', 'joined-0', 'joined-1')).code).toBe(0);
    const { code, output } = await run('whole');
    expect(output).toContain('01-filter');
    expect(code).toBe(0);
    expect(manifestOf('whole')).toEqual(manifestOf('alone'));
  });

  it('are not merged with those of another plan', async () => {
    const other = join(folder, 'other.yaml');
    writeFileSync(other, 'sources: heap/evaluation/train\nembed: { weights: pixels, shardRows: 16 }\nsteps: [exact]\n');
    await curateProgram('run', other, '--out', join(folder, 'other'));
    expect(await merge('mixed', 'alone', 'other')).toMatchObject({ code: 2, output: expect.stringMatching(/is another file than that in .*; the parts must come from one plan/) });
    expect(await merge('mixed', 'nowhere')).toMatchObject({ code: 2, output: expect.stringContaining('cannot be read') });
  });
});
