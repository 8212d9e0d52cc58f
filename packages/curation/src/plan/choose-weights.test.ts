import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { chooseWeights, openExtractor } from './choose-weights';

const runs = mkdtempSync(join(tmpdir(), 'curate-runs-'));
afterAll(() => rmSync(runs, { recursive: true }));

const anySize = { size: null, resize: null, workers: null };

describe('chooseWeights', () => {
  it('takes what is named, else the newest run, else pixels with a warning that says what to do', () => {
    expect(chooseWeights('some/weights.pth', runs)).toEqual({ weights: 'some/weights.pth' });
    expect(chooseWeights(null, join(runs, 'none'))).toMatchObject({ weights: 'pixels', warning: expect.stringContaining('Pass --weights PATH') });
    for (const [name, seconds] of [['old', 1000], ['new', 3000], ['middle', 2000]] as const) {
      mkdirSync(join(runs, name));
      writeFileSync(join(runs, name, 'backbone.safetensors'), '');
      utimesSync(join(runs, name, 'backbone.safetensors'), seconds, seconds);
    }
    mkdirSync(join(runs, 'unfinished'));
    expect(chooseWeights(null, runs)).toEqual({ weights: join(runs, 'new') });
  });
});

describe('openExtractor', () => {
  it('sees whole pictures as 8 × 8 pixels where there are no weights', async () => {
    const extractor = await openExtractor('pixels', anySize);
    expect(extractor).toMatchObject({ name: 'raw pixels', embedDim: 192, preprocessing: { resize: { height: 64, width: 64 } } });
  });

  it('says where there are none', async () => {
    await expect(openExtractor(join(runs, 'none'), anySize)).rejects.toThrow(/no weights at .*none; check the path, or pass `pixels`/);
  });
});
