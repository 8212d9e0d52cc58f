import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { expectGolden, readGolden, symmetric } from '../../../tests/support/golden';
import { vitConfig } from './config';
import { interpolatePositions } from './positions';

beforeAll(() => tf.setBackend('cpu'));

const side = 4;
const common = { embedDim: 1, heads: 1, patchSize: 2, imageSize: 8 };
/** Row i of the 4 × 4 table is the constant i; the class token has 9. */
const table = (): tf.Tensor =>
  tf.tensor([9, ...Array.from({ length: side * side }, (_, i) => Math.floor(i / side))], [1, 17, 1]);

// PyTorch in float64, printed to six places; float32 differs by about 1e-6.
const tolerance = { rtol: 0, atol: 3e-6 };

describe('interpolatePositions', () => {
  it.each([
    [3, { offset: 0.1, antialias: false }, [0.109636, 1.451344, 2.789201]],
    [3, { offset: 0, antialias: false }, [0.126157, 1.5, 2.873844]],
    [3, { offset: 0, antialias: true }, [0.189931, 1.5, 2.810069]],
    [6, { offset: 0.1, antialias: false }, [-0.08848, 0.390981, 1.182597, 1.747005, 2.546707, 3.063794]],
    [6, { offset: 0, antialias: false }, [-0.086806, 0.40625, 1.212963, 1.787037, 2.59375, 3.086806]],
    [6, { offset: 0, antialias: true }, [-0.065789, 0.411765, 1.166667, 1.833333, 2.588235, 3.065789]],
  ])('to %i rows with %o', (rows, interpolation, profile) => {
    const config = vitConfig('tiny', { ...common, interpolation });
    const { cls, patches } = interpolatePositions(table(), config, [rows, 5]);
    expect(cls.dataSync()[0]).toBe(9);
    expect(patches.shape).toEqual([1, rows * 5, 1]);
    const columns = profile.flatMap((value) => new Array(5).fill(value));
    expectAllclose(patches.dataSync(), columns, tolerance);
  });

  it('takes the table as it is on its own grid, and not on another of equal size', () => {
    const config = vitConfig('tiny', common);
    const same = interpolatePositions(table(), config, [4, 4]);
    expect([...same.patches.dataSync()]).toEqual([...table().dataSync().slice(1)]);
    const wide = interpolatePositions(table(), config, [2, 8]);
    expect(wide.patches.shape).toEqual([1, 16, 1]);
    expect(wide.patches.dataSync()[0]).toBeCloseTo(0.362430, 5); // PyTorch, scale factor 2.1 / 4
  });

  // The calls of transformers' two modules and of the reference. 2 × 8 has as many patches as the table.
  const grids = [[2, 8], [8, 2], [3, 5], [6, 6], [4, 4]] as const;
  it.each([
    ['sized', { offset: 0, antialias: false }],
    ['antialiased', { offset: 0, antialias: true }],
    ['offset', { offset: 0.1, antialias: false }],
  ])('equals PyTorch on every grid: %s', (name, interpolation) => {
    const config = vitConfig('tiny', { ...common, embedDim: 8, interpolation });
    const golden = readGolden('vit-positions');
    const table = tf.tensor(symmetric(7, 17 * 8), [1, 17, 8]);
    for (const [rows, columns] of grids) {
      expectGolden(interpolatePositions(table, config, [rows, columns]).patches, golden, `${name} ${rows} x ${columns}`);
    }
  });
});
