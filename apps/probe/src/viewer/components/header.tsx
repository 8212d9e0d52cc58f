import { count, timeLeft } from '../format';
import { lead, models, page, progress, viewer } from '../state';
import { isDark, toggleTheme } from '../theme';
import { helpOpen } from './help';
import { Icon } from './icon';
import { Segments } from './segments';

export function Header() {
  const { folder, names, runs } = viewer.value!;
  return (
    <header>
      <h1>
        {folder} <small>{count(names.length)} pictures</small>
      </h1>
      {runs.length > 0 && (
        <Segments
          label="View"
          choices={[{ value: 'explore' as const, name: 'Explore' }, { value: 'training' as const, name: 'Training' }]}
          value={page.value}
          choose={(value) => (page.value = value)}
        />
      )}
      <Weights />
      <div class="tools">
        <button type="button" class="icon" title="Light or dark (t)" aria-label="Light or dark" onClick={toggleTheme}>
          <Icon name={isDark.value ? 'sun' : 'moon'} />
        </button>
        <button type="button" class="icon" title="Keys (?)" aria-label="Help" onClick={() => (helpOpen.value = true)}>
          <Icon name="help" />
        </button>
      </div>
    </header>
  );
}

/** What the features are of; of two, the one whose neighbours and map are shown can be chosen. */
function Weights() {
  const [first, second] = models.value;
  if (second === undefined) return <p class="weights" title={first!.name}>{first!.label}</p>;
  return (
    <div class="weights segments" role="radiogroup" aria-label="Weights of neighbours and map">
      {models.value.map(({ label, name }, model) => (
        <button key={label} type="button" role="radio" aria-checked={lead.value === model} title={`Neighbours and map by ${name}`} onClick={() => (lead.value = model)}>
          <b>{'AB'[model]}</b> {label}
        </button>
      ))}
    </div>
  );
}

/** How far the features are; nothing when they are there. */
export function Extraction() {
  return (
    <>
      {progress.value.map((state, model) => {
        const { label } = models.value[model]!;
        const of = models.value.length > 1 ? ` of ${label}` : '';
        switch (state.status) {
          case 'waiting':
            return null;
          case 'extracting':
            return (
              <div key={label} class="extraction" role="status">
                <progress max={state.total} value={state.done} aria-label={`Features${of}`} />
                <span>
                  Computing features{of}: {count(state.done)} of {count(state.total)} pictures
                  {state.imagesPerSecond > 0 && `, ${state.imagesPerSecond.toFixed(state.imagesPerSecond < 10 ? 1 : 0)} per second, ${timeLeft(state.secondsLeft)} left`}
                </span>
              </div>
            );
          case 'failed':
            return (
              <p key={label} class="problem" role="alert">
                The features{of} could not be computed: {state.problem}
              </p>
            );
          case 'ready':
            return state.skipped.length === 0 ? null : (
              <details key={label} class="skipped">
                <summary>{state.skipped.length === 1 ? 'One picture' : `${count(state.skipped.length)} pictures`} could not be read</summary>
                <ul>{state.skipped.map(({ image, reason }) => <li key={image}>{viewer.value!.names[image]}: {reason}</li>)}</ul>
              </details>
            );
        }
      })}
    </>
  );
}
