import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** The parts of uPlot that go into a page. */
export interface PlotLibrary {
  readonly script: string;
  readonly style: string;
}

/** uPlot as it is installed, for a page that carries it along. */
export function plotLibrary(): PlotLibrary {
  // The CommonJS build has no import.meta.
  const require = createRequire(typeof __filename === 'string' ? __filename : import.meta.url);
  return {
    script: readFileSync(require.resolve('uplot/dist/uPlot.iife.min.js'), 'utf8'),
    style: readFileSync(require.resolve('uplot/dist/uPlot.min.css'), 'utf8'),
  };
}
