import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import golden from '../../../../tests/golden/data/logistic.json';
import { expectAllclose } from '../../../../tests/support/allclose';
import { symmetric } from '../../../../tests/support/golden';
import { type Features } from '../features';
import { accuracy } from '../metrics/accuracy';
import { predictedClasses } from '../metrics/scores';
import { logisticGrid, type LogisticModel, logisticRegression, logisticScores } from './logistic-regression';

type Case = (typeof golden)['overlapping'];

/** As `features` of tests/golden/logistic.py. */
function rowsOf({ seed, rows, columns }: Case): (first: number, end: number) => Features {
  const data = symmetric(seed, (rows + 80) * columns).map((value, i) => Math.fround(value + 0.75) * 2 ** (((i % columns) % 4) - 1));
  return (first, end) => ({ data: data.slice(first * columns, end * columns), shape: [end - first, columns] });
}

/** Softmax of the scores of the first rows. */
function probabilities(model: LogisticModel, features: Features, rows: number): number[] {
  const { data, shape } = logisticScores(model, features);
  const classes = shape[1]!;
  return Array.from({ length: rows }, (_, row) => {
    const exponentials = [...data.slice(row * classes, (row + 1) * classes)].map(Math.exp);
    const sum = exponentials.reduce((a, b) => a + b);
    return exponentials.map((value) => value / sum);
  }).flat();
}

describe.each(Object.entries(golden))('logisticRegression against scikit-learn: %s', (_, fixture) => {
  const rows = rowsOf(fixture);
  const labels = [...fixture.labels].map(Number);
  const train = rows(0, fixture.rows);
  const trainLabels = labels.slice(0, fixture.rows);
  const test = rows(fixture.rows + 40, fixture.rows + 80);
  const held = { features: rows(fixture.rows, fixture.rows + 40), labels: labels.slice(fixture.rows, fixture.rows + 40) };

  it('finds the same optimum and predictions for every C, and chooses the same', async () => {
    const model = await logisticRegression(train, trainLabels, { validation: held, classes: fixture.classes });
    expectAllclose(model.candidates.map(({ c }) => c), fixture.path.map(({ c }) => c), { rtol: 1e-14 });
    expect(model.candidates.map(({ validationAccuracy }) => validationAccuracy)).toEqual(fixture.path.map((fit) => fit.accuracy));
    expect(model.candidates.every(({ converged }) => converged)).toBe(true);
    // The golden is within rounding of the optimum (Newton's method); we stop at 1e-12.
    expectAllclose(model.candidates.map(({ objective }) => objective), fixture.path.map((fit) => fit.objective), { rtol: 1e-10 });
    expect(model.c).toBeCloseTo(fixture.chosen.c, 12);
    expectAllclose([model.refit!.objective], [fixture.chosen.objective], { rtol: 1e-10 });
    expect([...predictedClasses(logisticScores(model, test))].join('')).toBe(fixture.chosen.predictions);
  });

  it('has the same coefficients and probabilities', async () => {
    // The ends of the list, which alone start from zeros, and the middle.
    for (const fit of [fixture.path[0]!, fixture.path[22]!, fixture.path[44]!]) {
      const model = await logisticRegression(train, trainLabels, { cs: [fit.c], validation: held, refit: false, classes: fixture.classes });
      const { data, shape } = model.weights;
      // Of two classes scikit-learn keeps the difference of both rows.
      const first = data.subarray(0, shape[1]);
      const row = fixture.classes === 2 ? first.map((value, d) => data[shape[1] + d]! - value) : first;
      const largest = Math.max(...fit.coefficients.map(Math.abs));
      expectAllclose(row, fit.coefficients, { rtol: 1e-5, atol: 1e-5 * largest });
      expectAllclose(probabilities(model, test, 3), fit.probabilities, { rtol: 0, atol: 1e-5 });
      expect([...predictedClasses(logisticScores(model, test))].join('')).toBe(fit.predictions);
    }
  });
});

describe('logisticRegression', () => {
  // Three classes along a line; enough rows for a validation share.
  const line = (rows: number) => {
    const noise = symmetric(9, rows * 2);
    return { data: noise.map((value, i) => (i % 2 === 0 ? value + ((i / 2) % 3) : value)), shape: [rows, 2] };
  };
  const threes = (rows: number) => Array.from({ length: rows }, (_, i) => i % 3);

  it('has the grid of the protocol', () => {
    expect(logisticGrid).toHaveLength(45);
    expect(logisticGrid[0]).toBe(1e-6);
    expect(logisticGrid[44]).toBe(1e5);
  });

  it('holds out a random tenth, the same for a seed', async () => {
    const options = { cs: [1, 100], onProgress: () => undefined };
    const a = await logisticRegression(line(60), threes(60), { ...options, seed: 5 });
    const b = await logisticRegression(line(60), threes(60), { ...options, seed: 5 });
    expect(a.weights.data).toEqual(b.weights.data);
    // Six rows: accuracies are sixths.
    for (const { validationAccuracy } of a.candidates) expect((validationAccuracy! * 6) % 1).toBeCloseTo(0, 10);
  });

  it('finds the same optimum in whatever order the values of C come', async () => {
    const cs = [100, 0.01, 1, 1, 10, 0.01, 1000];
    const options = { validation: { features: line(60), labels: threes(60) }, refit: false };
    const { candidates } = await logisticRegression(line(60), threes(60), { ...options, cs });
    for (const [i, c] of cs.entries()) {
      const { candidates: [alone] } = await logisticRegression(line(60), threes(60), { ...options, cs: [c] });
      // Both stop within 1e-12 of the optimum.
      expectAllclose([candidates[i]!.objective], [alone!.objective], { rtol: 1e-11 });
    }
  });

  it('reports every fit', async () => {
    const seen: string[] = [];
    await logisticRegression(line(30), threes(30), {
      cs: [0.1, 1], onProgress: ({ done, total, candidate }) => seen.push(`${done}/${total} ${candidate.c} ${candidate.validationAccuracy !== undefined}`),
    });
    expect(seen.slice(0, 2)).toEqual(['1/3 0.1 true', '2/3 1 true']);
    expect(seen[2]).toMatch(/^3\/3 .* false$/);
  });

  it('leaves a class out of the search when the draw leaves it no rows, and fits it at the end', async () => {
    const rows = 30;
    const labels = Array.from({ length: rows }, (_, i) => (i === 0 ? 2 : i % 2));
    const features = { data: symmetric(3, rows * 2).map((value, i) => value + 2 * labels[i >> 1]!), shape: [rows, 2] };
    let dropped = 0;
    for (let seed = 0; seed < 6; seed++) {
      const selected = await logisticRegression(features, labels, { cs: [10], validation: 0.5, seed, refit: false });
      const whole = await logisticRegression(features, labels, { cs: [10], validation: 0.5, seed });
      if (selected.bias[2] === -Infinity) dropped++;
      expect(whole.bias.every(Number.isFinite)).toBe(true);
      expect(accuracy(predictedClasses(logisticScores(selected, features)), labels)).toBeGreaterThan(0.8);
    }
    expect(dropped).toBeGreaterThan(0);
    expect(dropped).toBeLessThan(6);
  });

  it('has a gradient of zero at the optimum of any problem', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 7 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 1000 }), fc.double({ min: -4, max: 4, noNaN: true }),
        async (classes, dim, seed, exponent) => {
          const rows = classes * 3 + (seed % 70);
          const labels = Array.from({ length: rows }, (_, i) => i % classes);
          const features = { data: symmetric(seed, rows * dim).map((value) => 4 * value + 1), shape: [rows, dim] };
          const c = 10 ** exponent;
          const { weights, bias } = await logisticRegression(features, labels, {
            cs: [c], validation: { features, labels }, refit: false, threads: 1,
          });
          const model: LogisticModel = { c, weights, bias, candidates: [] };
          const shares = probabilities(model, features, rows);
          // W = C Σ (y - p) xᵀ, halved with two classes, and Σ (y - p) = 0.
          let largest = 0;
          for (let k = 0; k < classes; k++) {
            const sums = new Float64Array(dim + 1);
            for (let n = 0; n < rows; n++) {
              const residual = Number(labels[n] === k) - shares[n * classes + k]!;
              for (let d = 0; d <= dim; d++) sums[d]! += residual * (d < dim ? features.data[n * dim + d]! : 1);
            }
            for (let d = 0; d < dim; d++) {
              largest = Math.max(largest, Math.abs(((classes === 2 ? 2 : 1) * weights.data[k * dim + d]!) / c - sums[d]!));
            }
            largest = Math.max(largest, Math.abs(sums[dim]!));
          }
          // Each sum has up to 70 terms of up to 3; the search stops a millionth of the way before the optimum.
          expect(largest).toBeLessThan(1e-4);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('says what does not fit', async () => {
    const features = line(30);
    const fit = (options: Parameters<typeof logisticRegression>[2], labels: number[] = threes(30), x: Features = features) =>
      logisticRegression(x, labels, options);
    await expect(fit({}, threes(29))).rejects.toThrow('features has 30 rows but 29 labels');
    await expect(fit({}, [NaN, ...threes(29)])).rejects.toThrow('label 0 of features is NaN; labels are whole numbers from 0 to 2');
    await expect(fit({ classes: 2 })).rejects.toThrow('label 2 of features is 2; labels are whole numbers from 0 to 1');
    await expect(fit({ classes: 4 })).rejects.toThrow('class 3 of 4 has no rows in features');
    await expect(fit({}, Array(30).fill(0))).rejects.toThrow('needs at least 2');
    await expect(fit({ cs: [0] })).rejects.toThrow('C is 0; expected a positive number');
    await expect(fit({ cs: [] })).rejects.toThrow('cs is an empty list');
    await expect(fit({ validation: 1 })).rejects.toThrow('a validation share of 1 of 30 rows');
    const broken = { ...features, data: features.data.slice() };
    broken.data[7] = NaN;
    await expect(fit({}, threes(30), broken)).rejects.toThrow('column 1 of row 3 of features is NaN');
    const wide = { data: new Float32Array(6), shape: [2, 3] };
    await expect(fit({ validation: { features: wide, labels: [0, 1] } })).rejects.toThrow('validation features have 3 columns and features have 2');
    const model = await fit({ cs: [1] });
    expect(() => logisticScores(model, wide)).toThrow('features have 3 columns and the classifier has 2');
  });

  it('stops when asked to', async () => {
    const controller = new AbortController();
    const run = logisticRegression(line(60), threes(60), { signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) });
    await expect(run).rejects.toThrow('enough');
  });
});
