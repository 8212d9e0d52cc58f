import { html, type Html } from './html';

export interface Series {
  readonly name: string;
  /** CSS variable. */
  readonly colour: string;
  /** One value for each step of the chart; null where there is none. */
  readonly values: readonly (number | null)[];
  readonly dash?: boolean;
  readonly points?: boolean;
}

/** Curves over steps, or with `labels` a bar for each. */
export interface Chart {
  readonly id: string;
  readonly title: string;
  readonly steps: readonly number[];
  /** What steps are, for the reader: `step` by default. */
  readonly unit?: string;
  /** Names of what is compared, one for each of `steps` 0, 1, 2, …; bars in place of curves. */
  readonly labels?: readonly string[];
  readonly series: readonly Series[];
  readonly height?: number;
  readonly percent?: boolean;
  /** Of the vertical axis; fitted to the values by default. */
  readonly range?: readonly [number, number];
}

/** The chart's place in the page; `chart-script.ts` draws into it. */
export function chartElement({ id, title, labels, series }: Chart): Html {
  return html`<div class="chart" id="${id}">
<h3>${title}<span></span></h3>
<div class="plot"></div>
${
    // Bars are named below the axis.
    labels === undefined &&
    html`<ul class="key">${series.map(
      (s) => html`<li><i class="${s.dash ? 'dashed' : ''}" style="color:var(${s.colour})"></i>${s.name}<b></b></li>`,
    )}</ul>`
  }
</div>`;
}

/** What the script needs of a chart, columns first as uPlot takes them. */
export function chartData({ id, steps, unit = 'step', labels, series, height = 170, percent = false, range }: Chart): unknown {
  return {
    id,
    height,
    percent,
    range,
    unit,
    labels,
    data: [steps, ...series.map((s) => s.values.map((v) => (v === null ? null : Number(v.toPrecision(6)))))],
    series: series.map(({ colour, dash = false, points = false }) => ({ colour, dash, points })),
  };
}
