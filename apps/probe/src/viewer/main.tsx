import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './style.css';
import type { ExtractionState } from '../view/protocol';
import { getState, listen } from './api';
import { App } from './components/app';
import { listenToKeys } from './keys';
import { folderOrder } from './neighbours';
import { isLost, openImage, problem, progress, viewer } from './state';

render(<App />, document.body);
listenToKeys();

try {
  const state = await getState();
  progress.value = state.models.map((model) => model.progress);
  viewer.value = state;
  document.title = `${state.folder} · dinov2-probe`;
  const first = folderOrder.value[0];
  if (first !== undefined) openImage(first.image, false);
  listen<ExtractionState[]>(
    '/api/progress',
    (value) => (progress.value = value),
    (lost) => (isLost.value = lost),
  );
} catch (error) {
  problem.value = `The page could not be opened: ${(error as Error).message}.`;
}
