import { TrainingCurves } from '../curves/training-curves';
import { folderAs, isLost, page, problem, viewer } from '../state';
import { Folder } from './folder';
import { Extraction, Header } from './header';
import { Help } from './help';
import { Stage } from './stage';

export function App() {
  if (viewer.value === undefined) return problem.value === '' ? <p class="loading">Opening …</p> : <p class="problem" role="alert">{problem.value}</p>;
  return (
    <>
      <Header />
      <Extraction />
      {isLost.value && <p class="problem" role="alert">dinov2-probe view has been stopped. Start it again to go on.</p>}
      {problem.value !== '' && (
        <p class="problem" role="alert">
          {problem.value} <button type="button" onClick={() => (problem.value = '')}>Dismiss</button>
        </p>
      )}
      {page.value === 'training' ? <TrainingCurves /> : <main class={`explore ${folderAs.value}`}><Folder /><Stage /></main>}
      <Help />
    </>
  );
}
