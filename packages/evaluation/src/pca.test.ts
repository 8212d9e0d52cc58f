import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import golden from '../../../tests/golden/evaluation.json';
import { pca, projectPca } from './index';
import { symmetricEigen } from './symmetric-eigen';

const samples = {
  data: Float32Array.from(golden.pca.samples.flat()),
  shape: [golden.pca.samples.length, golden.pca.samples[0]!.length],
};

describe('pca against the singular value decomposition of numpy', () => {
  const result = pca(samples, 4);

  it('finds the same directions, signs included', () => {
    // The golden is rounded to seven places and the result to float32.
    golden.pca.components.flat().forEach((value, i) => expect(result.components[i]).toBeCloseTo(value, 5));
  });

  it('explains the same variance', () => {
    golden.pca.explainedVariance.forEach((value, i) => expect(result.explainedVariance[i]! / value).toBeCloseTo(1, 5));
    golden.pca.explainedVarianceRatio.forEach((value, i) => expect(result.explainedVarianceRatio[i]).toBeCloseTo(value, 6));
    golden.pca.mean.forEach((value, i) => expect(result.mean[i]).toBeCloseTo(value, 5));
  });

  it('projects to uncorrelated coordinates with that variance', () => {
    const scores = projectPca(result, samples);
    for (let a = 0; a < 4; a++) {
      for (let b = 0; b <= a; b++) {
        let sum = 0;
        for (let row = 0; row < 50; row++) sum += scores[row * 4 + a]! * scores[row * 4 + b]!;
        expect(sum / 49).toBeCloseTo(a === b ? result.explainedVariance[a]! : 0, 3);
      }
    }
  });
});

describe('pca', () => {
  it('bears features that are all equal', () => {
    const { explainedVariance, components } = pca({ data: new Float32Array(12).fill(3), shape: [4, 3] }, 2);
    expect([...explainedVariance]).toEqual([0, 0]);
    expect([...components].every(Number.isFinite)).toBe(true);
  });

  it('gives the same bits twice', () => {
    expect(pca(samples, 3)).toEqual(pca(samples, 3));
  });

  it('refuses more components than there can be, and numbers that are not finite', () => {
    expect(() => pca(samples, 21)).toThrow(/between 1 and 20/);
    expect(() => pca({ data: Float32Array.of(1, NaN, 3, 4, 5, 6), shape: [3, 2] }, 1)).toThrow(/NaN/);
  });
});

describe('symmetricEigen', () => {
  it('rebuilds any symmetric matrix from its eigenvalues and orthonormal eigenvectors', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 7 }).chain((n) => fc.tuple(fc.constant(n), fc.array(fc.integer({ min: -50, max: 50 }), { minLength: n * n, maxLength: n * n }))),
        ([n, entries]) => {
          const matrix = new Float64Array(n * n);
          for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) matrix[i * n + j] = entries[i * n + j]! + entries[j * n + i]!;
          const { values, vectors } = symmetricEigen(matrix, n);
          for (let i = 0; i < n; i++) {
            for (let j = 0; j < n; j++) {
              let rebuilt = 0;
              let overlap = 0;
              for (let e = 0; e < n; e++) {
                rebuilt += values[e]! * vectors[e * n + i]! * vectors[e * n + j]!;
                overlap += vectors[i * n + e]! * vectors[j * n + e]!;
              }
              expect(rebuilt).toBeCloseTo(matrix[i * n + j]!, 8);
              expect(overlap).toBeCloseTo(i === j ? 1 : 0, 10);
            }
          }
          for (let e = 1; e < n; e++) expect(values[e]).toBeLessThanOrEqual(values[e - 1]!);
        },
      ),
    );
  });
});
