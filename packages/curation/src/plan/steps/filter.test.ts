import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readTable } from '../../tables';
import { filter } from './filter';
import { workOf } from './work.testing';

const columns = {
  width: Float64Array.of(10, 100, 300, 100, 100),
  height: Float64Array.of(100, 100, 50, 100, 100),
  aspect: Float64Array.of(0.1, 1, 6, 1, 1),
  sharpness: Float64Array.of(9, 9, 9, 0, NaN),
};
const rules = [{ name: 'small', column: 'width', min: 32 }, { name: 'long', column: 'aspect', min: 0.2, max: 5 }];

describe('filter', () => {
  it('drops what breaks a rule, by the first it breaks, and counts all', async () => {
    const step = { filter: { rules, moreRules: [{ name: 'blurred', column: 'sharpness', min: 3 }] } };
    const { decisions, facts } = (await filter(workOf(step, { sources: { web: { images: 5 } }, columns })))!;
    expect(Array.from(decisions.reasons, (code) => decisions.reasonNames[code])).toEqual(['small', 'kept', 'long', 'blurred', 'kept']);
    expect([...decisions.keep]).toEqual([0, 1, 0, 0, 1]);
    expect([...decisions.times]).toEqual([0, 1, 0, 0, 1]);
    expect(facts).toEqual({
      rules: [{ ...rules[0], broken: 1, dropped: 1 }, { ...rules[1], broken: 2, dropped: 1 }, { name: 'blurred', column: 'sharpness', min: 3, broken: 1, dropped: 1 }],
    });
  });

  it('goes on where a whole block of images cannot be read any more', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'filter-'));
    try {
      const classifier = join(folder, 'wide.mjs');
      writeFileSync(classifier, 'export default ({ images }) => ({ wide: images.map(({ width }) => width) });\n');
      await sharp({ create: { width: 40, height: 30, channels: 3, background: 'red' } }).png().toFile(join(folder, 'there.png'));
      // Two blocks of 4096, of which the last image alone is there.
      const count = 4097;
      const path = Array.from({ length: count }, (_, i) => join(folder, i === count - 1 ? 'there.png' : 'gone.png'));
      const step = { filter: { rules: [{ name: 'wide', column: 'wide', max: 20 }], classifier } };
      const work = (images: number) => ({ ...workOf<'filter'>(step, { sources: { web: { images } }, columns: { path, offset: path.map(() => null), length: path.map(() => null) } }), folder, work: mkdtempSync(join(folder, 'work-')) });
      const { decisions } = (await filter(work(count)))!;
      expect(decisions.keep.indexOf(0)).toBe(count - 1);
      const { wide } = (await readTable(join(folder, 'classified.parquet'))).columns as { wide: Float32Array };
      expect([wide.length, wide[0], wide[count - 1]]).toEqual([count, NaN, 40]);
      await expect(filter(work(3))).rejects.toThrow(/none of 3 images can be read for the classifier .*wide\.mjs .*gone\.png/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
