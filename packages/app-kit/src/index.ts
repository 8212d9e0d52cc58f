export { type BackendChoice, type EngineChoice, type PickedEngine, pickEngine } from './engine';
export { AppError, describeError, exitCodeOf } from './error';
export { bytes, duration, si } from './format';
export { type Chart, chartElement, type Series } from './page/charts';
export { patchImage, photograph } from './page/data-uri';
export { html, type Html, json, raw } from './page/html';
export { type Page, renderPage } from './page/page';
export { type PlotLibrary, plotLibrary } from './page/plot-library';
export { createProgress, type Progress, type ProgressOptions, type ProgressStatus } from './progress';
