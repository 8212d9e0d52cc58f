import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PretrainError } from '../error';
import { knownKeys, suggestKey } from './keys';
import { fileLayer, optionLayer, overrideLayer } from './layer';
import { configLayer } from './recipes';
import { resolveSettings } from './resolve';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'pretrain-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const file = (text: string) => {
  const path = join(folder, 'run.yaml');
  writeFileSync(path, text);
  return fileLayer(path, 'run.yaml');
};

describe('resolveSettings', () => {
  it('lays file, options and overrides over the defaults, key by key', () => {
    const settings = resolveSettings([
      file('batchSize: 8\nmodel:\n  size: small\n  patchSize: 14\n'),
      optionLayer(new Map([['batchSize', { value: 4, option: '--batch-size' }]])),
      overrideLayer(['optimizer.baseLearningRate=4e-4', 'knn.k=[1, 5]', 'model.ffn=swiglu']),
    ]);
    expect(settings).toMatchObject({
      batchSize: 4,
      model: { size: 'small', patchSize: 14, ffn: 'swiglu' },
      optimizer: { baseLearningRate: 4e-4, weightDecay: 0.04 },
      knn: { k: [1, 5] },
    });
  });

  it('refuses unknown keys with a suggestion and the line they stand in', () => {
    const layer = file('batchSize: 8\noptimizer:\n  # a comment\n  baseLearningrate: 1e-3\nmomentum: 0.9\n');
    expect(() => resolveSettings([layer])).toThrow(
      new PretrainError(
        'run.yaml:4: unknown key "optimizer.baseLearningrate"; did you mean "optimizer.baseLearningRate"?\n' +
          'run.yaml:5: unknown key "momentum"; did you mean "teacher.momentum"?',
      ),
    );
  });

  it('refuses unknown overrides in the same way', () => {
    expect(() => resolveSettings([overrideLayer(['crops.globalsize=98'])])).toThrow(
      '"crops.globalsize=98" on the command line: unknown key "crops.globalsize"; did you mean "crops.globalSize"?',
    );
    expect(() => resolveSettings([overrideLayer(['qqq.zzz=1'])])).toThrow(/unknown key "qqq"; see `dinov2-pretrain --help`/);
  });

  it('says where a value does not fit', () => {
    expect(() => resolveSettings([file('model:\n  size: tiny\nbatchSize: many\n')])).toThrow(/^run.yaml:3: batchSize: .*expected number/);
    expect(() => resolveSettings([overrideLayer(['dropPath.rate=1.5'])])).toThrow(/"dropPath.rate=1.5" on the command line: dropPath.rate: .*<1/);
    expect(() => resolveSettings([overrideLayer(['crops.localScale=[0.5, 0.1]'])])).toThrow(/crops.localScale: expected \[low, high\]/);
    for (const word of ['dropPath.rate=1', 'optimizer.beta1=1', 'optimizer.beta2=1', 'optimizer.beta1=-0.1', 'teacher.temperature=0', 'teacher.momentum=1.1', 'crops.ratio=[2, 1]', 'crops.blurSigma=[2, 0.1]']) {
      expect(() => resolveSettings([overrideLayer([word])]), word).toThrow(`"${word}" on the command line`);
    }
    expect(() => resolveSettings([overrideLayer(['model.size=huge'])])).toThrow(/model.size: .*"tiny"/);
  });

  it('lets the last layer that has a key answer for it', () => {
    const layers = [configLayer('cpu-tiny'), overrideLayer(['batchSize=0'])];
    expect(() => resolveSettings(layers)).toThrow(/^"batchSize=0" on the command line/);
  });
});

describe('layers', () => {
  it('says what is wrong with a word that is no key=value', () => {
    expect(() => overrideLayer(['pictures'])).toThrow(/"pictures" is no option and no key=value/);
    expect(() => overrideLayer(['knn.k=[1,'])).toThrow(/cannot be read/);
  });

  it('names the line of broken YAML, and a file that is not there', () => {
    expect(() => file('batchSize: 8\nmodel: [1, 2\n')).toThrow(/^run.yaml:\d: /);
    expect(() => file('- 1\n- 2\n')).toThrow(/expected keys and values/);
    expect(() => fileLayer(join(folder, 'missing.yaml'))).toThrow(/cannot read the configuration/);
  });
});

describe('suggestKey', () => {
  it('finds every key from one wrong letter', () => {
    for (const key of knownKeys.filter((key) => key.length > 4)) {
      expect(suggestKey(`${key.slice(0, -1)}x`), key).toBeDefined();
    }
    expect(suggestKey('koleoWeight')).toBe('dino.koleoWeight');
    expect(suggestKey('optimiser.weightDecay')).toBe('optimizer.weightDecay');
    expect(suggestKey('optimiser')).toBe('optimizer');
  });
});
