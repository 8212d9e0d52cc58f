import { describe, expect, it } from 'vitest';
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
