import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CurationError } from '../../error';
import { readLevels } from '../../plan/steps/read-levels';
import { sampleBalanced } from '../../sampling/sample-balanced';
import { writeTable } from '../../tables';

interface SampleOptions {
  readonly images: number;
  readonly multiplier: number;
  readonly choose: 'random' | 'closest';
  readonly seed: number;
  readonly out: string;
}

/** `dinov2-curate sample` */
export async function sampleCommand(folder: string, { images, multiplier, choose, seed, out }: SampleOptions): Promise<void> {
  if (!existsSync(join(folder, 'level-1', 'level.json'))) throw new CurationError(`no clusters in ${folder}; pass a folder that \`dinov2-curate cluster\` wrote`);
  const hierarchy = await readLevels(folder);
  const asked = images <= 1 ? Math.round(images * hierarchy.rows) : images;
  const taken = sampleBalanced(hierarchy, asked, { seed, multiplier, choose });
  const rows: number[] = [];
  const times: number[] = [];
  for (const row of taken) {
    if (rows.at(-1) === row) times[times.length - 1]!++;
    else {
      rows.push(row);
      times.push(1);
    }
  }
  await writeTable(out, { row: Uint32Array.from(rows), times: Uint32Array.from(times) });
  console.log(`${taken.length} of ${hierarchy.rows} rows, ${rows.length} different: ${out}`);
}
