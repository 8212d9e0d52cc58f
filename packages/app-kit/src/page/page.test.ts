import { describe, expect, it } from 'vitest';
import { type Chart, chartElement } from './charts';
import { html } from './html';
import { plotLibrary } from './plot-library';
import { renderPage } from './page';

describe('renderPage', () => {
  const chart: Chart = { id: 'loss', title: 'Loss', steps: [1, 2], series: [{ name: 'a < b', colour: '--c1', values: [1 / 3, null] }] };

  it('carries the plot library and the data only where there are charts', () => {
    const plain = renderPage({ title: 'a & b', content: html`<h1>x</h1>` });
    expect(plain).toContain('<title>a &amp; b</title>');
    expect(plain).not.toContain('<script');
    const drawn = renderPage({ title: 'x', content: chartElement(chart), charts: [chart], style: '.own { color: red; }', plots: { script: 'PLOT', style: '' } });
    expect(drawn).toContain('<script>PLOT</script>');
    expect(drawn).toContain('.own { color: red; }');
    const data = JSON.parse(/id="charts">([^<]+)</.exec(drawn)![1]!);
    expect(data).toEqual([{ id: 'loss', height: 170, percent: false, unit: 'step', data: [[1, 2], [0.333333, null]], series: [{ colour: '--c1', dash: false, points: false }] }]);
    expect(drawn).toContain('a &lt; b');
  });

  it('has uPlot at hand, which loads nothing', () => {
    const { script, style } = plotLibrary();
    expect(script).toContain('uPlot');
    expect(style).toContain('.uplot');
    expect(script + style).not.toMatch(/@import|fetch\(|XMLHttpRequest/);
  });

  it('names bars below their axis and not in a key', () => {
    expect(chartElement({ ...chart, labels: ['a', 'b'] }).html).not.toContain('class="key"');
    expect(chartElement(chart).html).toContain('class="key"');
  });
});
