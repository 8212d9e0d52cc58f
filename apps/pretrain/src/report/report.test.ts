import { describe, expect, it } from 'vitest';
import { colourScores, heat, quantile } from './colour';
import { html, json, raw } from './html';
import { runCharts } from './run-charts';

describe('html', () => {
  it('escapes what is put in, unless it is markup', () => {
    expect(html`<b>${'<i>&"'}</b>${[1, html`<hr>`]}${undefined}${raw('<br>')}`.html).toBe('<b>&lt;i&gt;&amp;&quot;</b>1<hr><br>');
  });

  it('keeps JSON from ending its script element', () => {
    const text = json({ name: '</script><script>' }).html;
    expect(text).not.toContain('</script>');
    expect(JSON.parse(text)).toEqual({ name: '</script><script>' });
  });
});

describe('colours', () => {
  it('spreads each component over its channel and clips the outer 2 %', () => {
    const scores = Float32Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? i : i % 3 === 1 ? -i : 5));
    const rgb = colourScores(scores);
    expect([rgb[0], rgb[297]]).toEqual([0, 255]);
    expect([rgb[1], rgb[298]]).toEqual([255, 0]);
    expect([rgb[2], rgb[299]]).toEqual([0, 0]);
  });

  it('runs the heat map from its darkest to its lightest colour', () => {
    const map = heat(Float32Array.from({ length: 100 }, (_, i) => i));
    expect([...map.subarray(0, 3)]).toEqual([0, 0, 4]);
    expect([...map.subarray(297)]).toEqual([252, 253, 191]);
  });

  it('finds quantiles', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(3);
    expect(quantile([7], 0.98)).toBe(7);
  });
});

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
