export { examples, listOf, parseCommands, wholeNumber } from './command-line';
export { endProcess, exitOnSignals } from './end-process';
export {
  type BackendChoice,
  backendChoices,
  type EngineChoice,
  engineChoices,
  type EngineRequest,
  type HostsRequest,
  type PickedEngine,
  type PrecisionChoice,
  precisionChoices,
} from './engine/choices';
export { type EngineListing, listEngines } from './engine/list';
export { pickEngine } from './engine/pick';
export { AppError, describeError, exitCodeOf } from './error';
export { bytes, duration, si } from './format';
export { type Chart, chartElement, type Series } from './page/charts';
export { patchImage, photograph } from './page/data-uri';
export { html, type Html, json, raw } from './page/html';
export { type Page, renderPage } from './page/page';
export { type PlotLibrary, plotLibrary } from './page/plot-library';
export { createProgress, type Progress, type ProgressOptions, type ProgressStatus } from './progress';
export { runView } from './run-view';
