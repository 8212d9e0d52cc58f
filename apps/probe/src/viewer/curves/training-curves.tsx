import { signal, useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { MetricsLine, MetricsUpdate } from '../../view/protocol';
import { listen } from '../api';
import { Icon } from '../components/icon';
import { Segments } from '../components/segments';
import { useSize } from '../components/use-size';
import { exportCurves } from '../export';
import { count } from '../format';
import { viewer } from '../state';
import { colourOf, isDark } from '../theme';
import { chartsOf, columnsOf, type CurveChart, merge } from './charts';

const HEIGHT = 170;
const colours = ['--c1', '--c2', '--c3', '--c4'];

/** Charts that are shown, to be saved. */
export const shownCharts = signal<readonly { readonly title: string; readonly canvas: HTMLCanvasElement; readonly key: readonly { readonly name: string; readonly colour: string }[] }[]>([]);

/** The log of a run as curves that grow while it trains. */
export function TrainingCurves() {
  const { runs } = viewer.value!;
  const run = useSignal(0);
  const lines = useSignal<readonly MetricsLine[]>([]);
  useEffect(() => {
    lines.value = [];
    return listen<MetricsUpdate>(`/api/runs/${run.value}`, (update) => (lines.value = merge(update.restart ? [] : lines.value, update.lines)));
  }, [run.value]);
  const charts = chartsOf(lines.value);
  const last = lines.value.at(-1);
  return (
    <main class="training">
      <div class="bar">
        {runs.length > 1 ? (
          <Segments label="Run" choices={runs.map((name, value) => ({ value, name }))} value={run.value} choose={(value) => (run.value = value)} />
        ) : (
          <h2>{runs[0]}</h2>
        )}
        <span class="said" role="status">{last === undefined ? 'no steps yet' : `step ${count(last.iteration + 1)}`}</span>
        <span class="space" />
        <button type="button" class="icon" title="Save as PNG" aria-label="Save the curves as PNG" disabled={charts.length === 0} onClick={exportCurves}>
          <Icon name="download" />
        </button>
      </div>
      {charts.length === 0 && <p class="empty">The curves begin with the first line of the run’s log.</p>}
      <div class="charts">{charts.map((chart) => <Curves key={chart.title} chart={chart} lines={lines.value} />)}</div>
      <p class="note">Point at a curve for its values, drag to look closer, double-click to go back.</p>
    </main>
  );
}

const format = (value: number | null | undefined): string => {
  if (value === null || value === undefined) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size < 0.001 || size >= 1e5 ? value.toExponential(1).replace('e+', 'e') : String(Number(value.toPrecision(4)));
};

function Curves({ chart, lines }: { readonly chart: CurveChart; readonly lines: readonly MetricsLine[] }) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const { width } = useSize(host);
  const at = useSignal<number | null | undefined>(undefined);
  const shape = chart.series.map(({ key }) => key).join(' ');
  const data = columnsOf(lines, chart);

  useLayoutEffect(() => {
    if (width === 0) return;
    const made = new uPlot(options(chart, width, (index) => (at.value = index)), data as uPlot.AlignedData, host.current!);
    plot.current = made;
    const entry = { title: chart.title, canvas: made.ctx.canvas, key: chart.series.map(({ name }, i) => ({ name, colour: colours[i]! })) };
    shownCharts.value = [...shownCharts.peek(), entry];
    return () => {
      shownCharts.value = shownCharts.peek().filter((other) => other !== entry);
      made.destroy();
      plot.current = undefined;
    };
  }, [width, shape, isDark.value]);
  useLayoutEffect(() => plot.current?.setData(data as uPlot.AlignedData), [lines]);

  const index = at.value ?? lines.length - 1;
  return (
    <div class="chart">
      <h3>{chart.title}<span>{at.value === null || at.value === undefined ? '' : `step ${count(data[0]![index]!)}`}</span></h3>
      <div ref={host} style={{ height: `${HEIGHT}px` }} />
      <ul>
        {chart.series.map(({ key, name }, i) => {
          const values = data[i + 1]!;
          const shown = at.value === null || at.value === undefined ? values.findLast((value) => value !== null) : values[index];
          return <li key={key}><i style={{ color: `var(${colours[i]})` }} />{name} <b>{format(shown)}</b></li>;
        })}
      </ul>
    </div>
  );
}

function options(chart: CurveChart, width: number, point: (index: number | null | undefined) => void): uPlot.Options {
  const [faint, line, page] = [colourOf('--faint'), colourOf('--line'), colourOf('--page')];
  const axis = (side: 2 | 3): uPlot.Axis => ({
    side,
    stroke: faint,
    font: '11px ui-sans-serif, system-ui, sans-serif',
    size: side === 2 ? 26 : 50,
    gap: 4,
    grid: { show: side === 3, stroke: line, width: 1 },
    ticks: { show: false },
    values: (_, values) => values.map((value) => (side === 3 ? format(value) : Number.isInteger(value) ? count(value) : '')),
  });
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    padding: [8, 10, 0, 0],
    cursor: { y: false, points: { size: 6 }, drag: { x: true, y: false } },
    scales: {
      x: { time: false },
      y: { range: (_, low, high) => (low === high ? [low - Math.abs(low) * 0.1 - 1e-9, high + Math.abs(high) * 0.1 + 1e-9] : uPlot.rangeNum(low, high, 0.08, true)) },
    },
    axes: [axis(2), axis(3)],
    series: [{}, ...chart.series.map((_, i) => ({ stroke: colourOf(colours[i]!), width: 1.75, spanGaps: true, points: { show: false, fill: page } }))],
    hooks: { setCursor: [(plot) => point(plot.cursor.idx)] },
  };
}
