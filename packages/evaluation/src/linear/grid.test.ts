import { describe, expect, it } from 'vitest';
import { linearGrid } from './grid';
import { linearLearningRates } from './train';

describe('linearGrid', () => {
  const names = (batchSize: number) =>
    linearGrid({ blocks: [1, 4], avgpool: [false, true], learningRates: linearLearningRates, batchSize }).flatMap(({ heads }) => heads.map(({ name }) => name));

  it('has 52 heads named as the reference names them', () => {
    // f"classifier_{n}_blocks_avgpool_{avgpool}_lr_{lr:.5f}".replace(".", "_") at batch 1024.
    expect(names(1024)).toHaveLength(52);
    expect(names(1024).slice(0, 3)).toEqual([
      'classifier_1_blocks_avgpool_False_lr_0_00004', 'classifier_1_blocks_avgpool_False_lr_0_00008', 'classifier_1_blocks_avgpool_False_lr_0_00020',
    ]);
    expect(names(1024)[51]).toBe('classifier_4_blocks_avgpool_True_lr_0_40000');
  });

  it('keeps both of two heads whose learning rates round to one name', () => {
    // At batch 128, 1e-5 and 2e-5 become 5e-6 and 1e-5: both 0.00001.
    expect(names(128).slice(0, 3)).toEqual([
      'classifier_1_blocks_avgpool_False_lr_0_000005', 'classifier_1_blocks_avgpool_False_lr_0_000010', 'classifier_1_blocks_avgpool_False_lr_0_00003',
    ]);
    for (const batchSize of [1, 8, 32, 128, 256]) expect(new Set(names(batchSize)).size).toBe(52);
  });

  it('refuses values that make no head', () => {
    const grid = { blocks: [1], avgpool: [false], learningRates: [1], batchSize: 256 };
    expect(() => linearGrid({ ...grid, blocks: [0] })).toThrow('blocks has 0');
    expect(() => linearGrid({ ...grid, learningRates: [-1] })).toThrow('learning rate -1');
    expect(() => linearGrid({ ...grid, batchSize: 0.5 })).toThrow('batchSize is 0.5');
  });
});
