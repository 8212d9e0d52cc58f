import { createRandom } from '@dinov2/primitives';
import { describe, expect, it } from 'vitest';
import golden from './checks.golden.json';
import { alignment, effectiveRank, featureStd, type Features, rankMe, uniformity } from '../index';
import { symmetricEigenvalues } from './symmetric-eigenvalues';

const matrix = (rows: readonly (readonly number[])[]): Features => ({ data: Float32Array.from(rows.flat()), shape: [rows.length, rows[0]!.length] });
const random = createRandom(1);
const normal = (rows: number, columns: number) => matrix(Array.from({ length: rows }, () => Array.from({ length: columns }, () => random.normal())));

describe.each(golden.cases.map((made, i) => [i, made] as const))('features %i against numpy', (_i, { shape, x, y, expected }) => {
  const [a, b] = [x, y].map((values) => ({ data: Float32Array.from(values), shape }));
  it.each(Object.entries({
    featureStd: featureStd(a!),
    effectiveRank: effectiveRank(a!),
    rankMe: rankMe(a!),
    alignment: alignment(a!, b!),
    alignment1: alignment(a!, b!, { alpha: 1 }),
    uniformity: uniformity(a!),
    uniformity3: uniformity(a!, { t: 3 }),
  }))('%s', (name, actual) => {
    const value = expected[name as keyof typeof expected];
    // Unit vectors are rounded to float32; RankMe is float64 but for the square root of eigenvalues near 0.
    expect(Math.abs(actual - value)).toBeLessThan(2e-6 * Math.max(1, Math.abs(value)));
  });
});

describe('symmetricEigenvalues', () => {
  it('equals numpy', () => {
    const actual = symmetricEigenvalues(Float64Array.from(golden.matrix), 24).sort();
    golden.eigenvalues.forEach((value, i) => expect(actual[i]).toBeCloseTo(value, 10));
  });

  it.each([
    ['of length 0', [], []],
    ['of length 1', [3], [3]],
    ['diagonal', [2, 0, 0, 0, -1, 0, 0, 0, 5], [-1, 2, 5]],
    ['of zeros', new Array(16).fill(0), [0, 0, 0, 0]],
    ['of ones', new Array(16).fill(1), [0, 0, 0, 4]],
    ['that swaps', [0, 1, 1, 0], [-1, 1]],
  ])('of a matrix %s', (_name, values, expected) => {
    const actual = symmetricEigenvalues(Float64Array.from(values), Math.sqrt(values.length)).sort();
    expect(actual.length).toBe(expected.length);
    expected.forEach((value, i) => expect(actual[i]).toBeCloseTo(value, 12));
  });
});

describe('spread', () => {
  it('is 1 and about D for directions drawn evenly', () => {
    const features = normal(4000, 8);
    // A share of 1/√4000 or so from the limit.
    expect(featureStd(features)).toBeCloseTo(1, 1);
    expect(effectiveRank(features)).toBeGreaterThan(7.8);
    expect(rankMe(features)).toBeGreaterThan(7.9);
    expect(rankMe(features)).toBeLessThan(8 + 1e-4);
  });

  it('is 0 where all rows are alike, whatever their length', () => {
    const alike = matrix([[3, 4], [6, 8], [0.3, 0.4]]);
    expect(featureStd(alike)).toBeLessThan(1e-6);
    expect(rankMe(alike)).toBeCloseTo(1, 5);
    expect(uniformity(alike)).toBeCloseTo(0, 6);
    const zeros = matrix([[0, 0], [0, 0]]);
    expect([featureStd(zeros), effectiveRank(zeros), rankMe(zeros)]).toEqual([0, 0, 0]);
  });

  it('counts the directions that are used', () => {
    // ±e₁ and ±e₂ in four dimensions: covariance diag(1/2, 1/2, 0, 0), deviations √½, √½, 0, 0 times √4 / 4.
    const cross = matrix([[1, 0, 0, 0], [-1, 0, 0, 0], [0, 1, 0, 0], [0, -1, 0, 0]]);
    expect(featureStd(cross)).toBeCloseTo(Math.SQRT1_2, 12);
    expect(effectiveRank(cross)).toBeCloseTo(2, 12);
    // The 1e-7 of each of four values adds a little.
    expect(rankMe(cross)).toBeCloseTo(2, 4);
  });

  it('refuses what it cannot measure', () => {
    expect(() => rankMe(matrix([[1, NaN]]))).toThrow(/column 1 of row 0/);
    expect(() => uniformity(matrix([[1, 2]]))).toThrow(/1 rows/);
    expect(() => alignment(matrix([[1, 2]]), matrix([[1], [2]]))).toThrow(/shape \(1, 2\) and b \(2, 1\)/);
    expect(() => featureStd(matrix([[1, Infinity]]))).toThrow(/row 0 of features is not finite/);
  });
});
