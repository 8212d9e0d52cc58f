import { describe, expect, it } from 'vitest';
import { type Report, reportPage } from './page';
import { runCharts, spreadCharts } from './run-charts';

describe('runCharts', () => {
  it('draws what the log has and leaves out the rest', () => {
    const found = runCharts([
      { iteration: 1, loss: 2, learningRate: 0.1, 'gradientNorm.backbone': 1, koleoLoss: 0 },
      { iteration: 2, loss: 1, learningRate: 0.2, 'gradientNorm.backbone': NaN },
    ]);
    expect(found.map((chart) => chart.title)).toEqual(['Loss', 'Learning rate', 'Gradient norms']);
    expect(found[2]!.series[0]!.values).toEqual([1, null]);
  });
});

describe('spreadCharts', () => {
  it('draws what was measured at least twice', () => {
    const spread = { featureStd: 0.5, effectiveRank: 9 };
    expect(spreadCharts([{ iteration: 0, knn: {}, spread }, { iteration: 5, knn: {} }])).toEqual([]);
    const charts = spreadCharts([{ iteration: 0, knn: {}, spread }, { iteration: 5, knn: {}, spread: { featureStd: 0.1, effectiveRank: 2 } }]);
    expect(charts.map(({ steps, series }) => [steps, series[0]!.values])).toEqual([[[0, 5], [0.5, 0.1]], [[0, 5], [9, 2]]]);
  });
});

describe('reportPage', () => {
  const report: Report = {
    name: 'a', model: 'ViT-Ti/14', facts: [], iterations: 20, images: 80, minutes: 1, k: 10, charts: [], pictures: [], picturesNote: '', neighbours: [], settings: [], command: '',
    evaluations: [{ iteration: 0, knn: { 10: 0.8 } }, { iteration: 10, knn: { 10: 0.5 } }, { iteration: 20, knn: { 10: 0.79 } }],
    rawPixels: { 10: 0.2 }, heldoutImages: 100, classes: 5, start: 'random weights',
  };
  const page = (changes: Partial<Report>) => reportPage({ ...report, ...changes }, { script: '', style: '' }).replace(/<[^>]+>/g, '');

  it('compares with random weights, or with the loaded ones and random ones', () => {
    expect(page({})).toMatch(/With the same network at random it was 80.0 %, with raw pixels 20.0 %/);
    const loaded = page({ start: 'loaded weights', startedFrom: 'dinov2-small', randomWeights: { 10: 0.4 } });
    expect(loaded).toMatch(/Trained from the weights of dinov2-small for 20 steps/);
    expect(loaded).toMatch(/Before training it was 80.0 %, with the same network at random 40.0 %, with raw pixels 20.0 %/);
    expect(loaded).toMatch(/random weights\s*40.0 %\s*loaded weights\s*80.0 %\s*trained\s*79.0 %/);
  });

  it('warns in plain words of features that became worse, and says how it ended', () => {
    expect(page({})).not.toContain('Warning');
    expect(page({ fall: { k: 10, iteration: 10, now: 0.5, start: 0.8 } })).toMatch(
      /Warning. k-NN \(k = 10\) fell to 50.0 % at step 10, clearly below the 80.0 % at the start: .*At the end, after 20 steps, it was 79.0 %. Clearly below means by more than two standard errors/,
    );
  });
});
