/**
 * Draws every `.chart` of the page with uPlot from the JSON in `#charts`. Runs in the reader's
 * browser, so it is plain text here.
 */
export const chartScript = `
(() => {
  const charts = JSON.parse(document.getElementById('charts').textContent);
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axisFont = '11px ui-sans-serif, system-ui, sans-serif';
  const format = (v) => v == null ? '–' : v === 0 ? '0' : Math.abs(v) < 0.001 || Math.abs(v) >= 1e5 ? v.toExponential(1).replace('e+', 'e') : String(+v.toPrecision(4));
  const plots = [];
  for (const chart of charts) {
    const host = document.getElementById(chart.id);
    const key = host.querySelectorAll('.key b');
    const text = (v) => chart.percent ? (v == null ? '–' : (100 * v).toFixed(1) + ' %') : format(v);
    const show = (u) => {
      const at = u.cursor.idx;
      chart.series.forEach((s, i) => {
        if (!key[i]) return;
        const values = u.data[i + 1];
        let j = at == null ? values.length - 1 : at;
        while (at == null && j > 0 && values[j] == null) j--;
        key[i].textContent = text(values[j]);
      });
      const title = host.querySelector('h3 span');
      if (title) title.textContent = at == null ? '' : chart.labels ? chart.labels[at] + ' ' + text(u.data[1][at]) : chart.unit + ' ' + u.data[0][at];
    };
    const cut = (text, length) => text.length <= length ? text : text.slice(0, length - 1) + '…';
    const axis = (side) => ({
      side, stroke: () => css('--faint'), font: axisFont, size: side === 2 ? 26 : 46, gap: 4,
      ...(side === 2 && chart.labels && { splits: () => chart.data[0] }),
      grid: { show: side === 3, stroke: () => css('--line'), width: 1 }, ticks: { show: false },
      values: side === 3 ? (u, vs) => vs.map((v) => chart.percent ? Math.round(100 * v) + ' %' : format(v)) : (u, vs) => vs.map((v) => chart.labels ? cut(chart.labels[v] ?? '', Math.max(4, Math.floor(host.clientWidth / chart.labels.length / 7))) : Number.isInteger(v) ? v.toLocaleString('en') : ''),
    });
    const plot = new uPlot({
      width: host.clientWidth, height: chart.height, legend: { show: false }, padding: [8, 10, 0, 0],
      cursor: { y: false, points: { size: 6 }, drag: { x: true, y: false } },
      scales: { x: { time: false, ...(chart.labels && { range: [-0.6, chart.labels.length - 0.4] }) }, y: { range: (u, low, high) => chart.range || (chart.labels ? [Math.min(0, low), Math.max(0, high) * 1.05 || 1] : low === high ? [low - Math.abs(low) * 0.1 - 1e-9, high + Math.abs(high) * 0.1 + 1e-9] : uPlot.rangeNum(low, high, 0.08, true)) } },
      axes: [axis(2), axis(3)],
      series: [{}, ...chart.series.map((s) => ({
        ...(chart.labels && { paths: uPlot.paths.bars({ size: [0.6, 70] }), fill: () => css(s.colour) }),
        stroke: () => css(s.colour), width: s.dash ? 1.25 : 1.75, dash: s.dash ? [4, 4] : undefined,
        points: { show: !!s.points && !chart.labels, size: 6, fill: () => css('--page') }, spanGaps: true,
      }))],
      hooks: { setCursor: [show], ready: [show] },
    }, chart.data, host.querySelector('.plot'));
    plots.push([plot, host, chart]);
  }
  addEventListener('resize', () => plots.forEach(([plot, host, chart]) => plot.setSize({ width: host.clientWidth, height: chart.height })));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => plots.forEach(([plot]) => plot.redraw()));
  document.documentElement.dataset.ready = 'true';
})();
`;
