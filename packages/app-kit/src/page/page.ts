import { chartScript } from './chart-script';
import { type Chart, chartData } from './charts';
import { html, type Html, json, raw } from './html';
import { type PlotLibrary, plotLibrary } from './plot-library';
import { pageStyle } from './style';

/** What stands on a page. */
export interface Page {
  /** For the tab of the browser. */
  readonly title: string;
  /** All within `<main>`; `chartElement` marks the places of the charts. */
  readonly content: Html;
  /** Drawn into their places; without any the page carries no plot library. */
  readonly charts?: readonly Chart[];
  /** Rules after those that pages share. */
  readonly style?: string;
  /** uPlot; the installed one by default. */
  readonly plots?: PlotLibrary;
}

/** A page that needs nothing beside itself, light or dark as the reader's system is. */
export function renderPage({ title, content, charts = [], style = '', plots }: Page): string {
  const library = charts.length === 0 ? undefined : (plots ?? plotLibrary());
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${raw(library?.style ?? '')}${raw(pageStyle)}${raw(style)}</style>
</head>
<body>
<main>
${content}
</main>
${
    library &&
    html`<script type="application/json" id="charts">${json(charts.map(chartData))}</script>
<script>${raw(library.script)}</script>
<script>${raw(chartScript)}</script>`
  }
</body>
</html>
`.html;
}
