import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '@dinov2/primitives';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateHeap } from '../../heap';
import { curateProgram, temporaryFolder } from '../../program.testing';
import { readTable } from '../../tables';
import { writeNpy } from '../../vectors/write-npy';

const { folder, remove } = temporaryFolder();
const at = (name: string) => join(folder, name);
const columns = 16;
/** Forty directions, each with a near copy; ten of them again, slightly turned. */
async function writeVectors(): Promise<void> {
  const random = createRandom(1);
  const rows = Array.from({ length: 40 }, () => Float32Array.from({ length: columns }, () => random.normal()));
  const turned = (row: Float32Array) => row.map((value) => value + 0.02 * random.normal());
  const write = async (name: string, data: readonly Float32Array[]) => {
    const writer = await writeNpy(at(name), columns);
    for (const row of data) await writer.append(row);
    await writer.close();
  };
  await write('pool.npy', rows.flatMap((row) => [row, turned(row)]));
  await write('queries.npy', rows.slice(0, 10).map(turned));
}
beforeAll(writeVectors);
afterAll(remove);

describe('commands on arrays', () => {
  it('deduplicate: one of each two', async () => {
    const { code, output } = await curateProgram('deduplicate', at('pool.npy'), '--threshold', '0.95', '-o', at('decisions.parquet'));
    expect(output).toContain('80 of 80 rows are in 40 groups; 40 can go, 40 stay');
    expect(code).toBe(0);
    const { columns } = await readTable(at('decisions.parquet'), ['keep', 'relatedId']);
    expect((columns['keep'] as boolean[]).every((keep, row) => keep === (row % 2 === 0))).toBe(true);
    expect((columns['relatedId'] as (number | null)[]).every((related, row) => related === (row % 2 === 0 ? null : row - 1))).toBe(true);
  });

  it('deduplicate --against, and audit: the ten that are there', async () => {
    const dropped = await curateProgram('deduplicate', at('pool.npy'), '--against', at('queries.npy'), '--threshold', '0.95', '-o', at('clean.parquet'));
    expect(dropped.output).toContain('of 80 rows 20 are near one of 10 others, 20 hang together with one; 20 go (component)');
    const audit = await curateProgram('audit', at('queries.npy'), at('pool.npy'), '--threshold', '0.95', '-o', at('audit.parquet'));
    expect(audit.output).toContain('10 of 10 held-out rows (100.0 %) have one of 80 above 0.95');
    expect((await readTable(at('audit.parquet'))).rows).toBe(20);
  });

  it('retrieve: the two of each query', async () => {
    const { output } = await curateProgram('retrieve', at('queries.npy'), at('pool.npy'), '-k', '2', '-o', at('retrieved.parquet'));
    expect(output).toContain('10 queries × 2: 20 rows (unique), 20 different; 20 written');
    expect([...((await readTable(at('retrieved.parquet'), ['row'])).columns['row'] as Uint32Array)].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, row) => row));
  });

  it('cluster and sample: as many rows as were asked for', async () => {
    const clusters = await curateProgram('cluster', at('pool.npy'), '--levels', '8,2', '--resampling', '1', '-o', at('clusters'));
    expect(clusters.output).toMatch(/level 1: 8 clusters of \d+ to \d+ rows[\s\S]*level 2: 2 clusters/);
    expect((await curateProgram('sample', at('clusters'), '-n', '0.25', '-o', at('sample.parquet'))).output).toContain('20 of 80 rows, 20 different');
    expect(await curateProgram('sample', at('nowhere'))).toMatchObject({ code: 2, output: expect.stringContaining('no clusters in') });
  });

  it('says what is wrong with its words', async () => {
    expect(await curateProgram('deduplicate', at('none.npy'))).toMatchObject({ code: 2, output: expect.stringContaining('none.npy cannot be opened') });
    expect(await curateProgram('cluster', at('pool.npy'), '--levels', '100,x')).toMatchObject({ code: 2, output: expect.stringContaining('expected a whole number from 1') });
    expect(await curateProgram('run', 'a', '--shard', '4/4')).toMatchObject({ code: 2, output: expect.stringContaining('expected i/n with i from 0 to n - 1') });
    expect(await curateProgram('sql', 'SELECT 1', '--run', at('nowhere'))).toMatchObject({ code: 2, output: expect.stringContaining('no run with images.parquet in') });
  });
});

describe('commands on a run', () => {
  beforeAll(async () => {
    await generateHeap(at('heap'), { count: 100, seed: 2, evaluationTrain: 1, evaluationHeldout: 1 });
    writeFileSync(at('plan.yaml'), 'sources: heap/images\nembed: { weights: pixels }\nsteps: [exact]\n');
    expect((await curateProgram('run', at('plan.yaml'), '--out', at('run'))).code).toBe(0);
  });

  it('plan: prints every setting, which can be read again', async () => {
    const { output } = await curateProgram('plan', at('plan.yaml'));
    expect(output).toContain('perceptual: 2');
    expect(output).toMatch(/# images \(source\): 100 images in/);
  });

  it('sql: counts by reason', async () => {
    const { output } = await curateProgram('sql', 'SELECT keep, count(*) AS n FROM exact GROUP BY keep ORDER BY keep DESC', '--run', at('run'), '--json');
    const rows = JSON.parse(output) as { keep: boolean; n: number }[];
    const { rows: kept } = await readTable(join(at('run'), 'manifest.parquet'));
    expect(rows[0]).toEqual({ keep: true, n: kept });
  });

  it('neighbours: a picture is most like itself, by file and by number', async () => {
    const { columns } = await readTable(join(at('run'), 'images.parquet'), ['path']);
    const path = (columns['path'] as string[])[3]!;
    for (const word of [path, '3']) {
      const { output } = await curateProgram('neighbours', at('run'), word, '--k', '3', '--json');
      const [{ neighbours }] = JSON.parse(output.slice(output.indexOf('['))) as [{ neighbours: { id: number; similarity: number }[] }];
      expect(neighbours).toHaveLength(3);
      expect(neighbours[0]!.similarity).toBeCloseTo(1, 3);
      expect(neighbours.filter(({ similarity }) => similarity > 0.999).map(({ id }) => id)).toContain(3);
    }
  });

  it('report: is written again', async () => {
    rmSync(join(at('run'), 'report.html'));
    expect(await curateProgram('report', at('run'))).toMatchObject({ code: 0, output: expect.stringContaining('report.html') });
    expect(await curateProgram('report', at('nowhere'))).toMatchObject({ code: 2, output: expect.stringContaining('no finished run in') });
  });
});
