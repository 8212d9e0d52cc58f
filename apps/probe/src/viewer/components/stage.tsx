import { useRef } from 'preact/hooks';
import { exportStage } from '../export';
import { colouring } from '../overlays';
import { milliseconds } from '../format';
import { basis, chosenPatch, clickTime, flip, head, isReady, lead, mode, modes, models, opacity, open, part, place, query, sameScale, shortName, smooth, threshold } from '../state';
import { Heads } from './heads';
import { Icon } from './icon';
import { arrange } from './arrange';
import { Panel } from './panel';
import { Segments } from './segments';
import { useSize } from './use-size';

/** The open pictures, each by each of the weights, with what is known of their patches. */
export function Stage() {
  const area = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(area);
  const { rows, columns } = models.value[0]!;
  const count = open.value.length * models.value.length;
  const { across, panelWidth } = arrange(count, models.value.length, columns / rows, { width, height });
  return (
    <section class="stage" aria-label="Open pictures">
      <div class="bar">
        <Segments label="Show" choices={modes.map((choice, i) => ({ value: choice.mode, name: choice.name, title: `Key ${i + 1}` }))} value={mode.value} choose={(value) => (mode.value = value)} />
        <span class="space" />
        {mode.value !== 'picture' && <Look />}
        <button type="button" class="icon" title="Save as PNG (e)" aria-label="Save the pictures as PNG" disabled={count === 0} onClick={() => void exportStage()}>
          <Icon name="download" />
        </button>
      </div>
      <div class="bar settings">
        <Settings />
      </div>
      <div class="panels" ref={area} data-busy={mode.value === 'pca' && colouring.value} style={{ gridTemplateColumns: `repeat(${across}, ${panelWidth}px)` }}>
        {count === 0 && <p class="empty">Choose a picture.<br />Then click a patch of it.</p>}
        {open.value.flatMap((image) => models.value.map((_, model) => <Panel key={`${image}:${model}`} model={model} image={image} width={panelWidth} />))}
      </div>
      {mode.value === 'attention' && open.value.length > 0 && <Heads />}
    </section>
  );
}

/** Choices of the current mode. */
function Settings() {
  if (mode.value !== 'picture' && !models.value.some((_, model) => isReady(model))) return <span>This comes when all features are there.</span>;
  switch (mode.value) {
    case 'picture':
      return <span>{open.value.length > 0 && 'Click a patch to see what is like it.'}</span>;
    case 'pca':
      return (
        <>
          <Segments label="Basis" choices={[{ value: 'joint' as const, name: 'One basis', title: 'Colours mean the same in all open pictures' }, { value: 'each' as const, name: 'Each its own' }]} value={basis.value} choose={(value) => (basis.value = value)} />
          <Segments label="Patches" choices={[{ value: 'all' as const, name: 'All' }, { value: 'foreground' as const, name: 'Foreground', title: 'By the first principal component' }]} value={part.value} choose={(value) => (part.value = value)} />
          {part.value === 'foreground' && (
            <>
              <Slider name="threshold" value={threshold.value} change={(value) => (threshold.value = value)} />
              <label class="check">
                <input type="checkbox" checked={flip.value} onChange={({ currentTarget }) => (flip.value = currentTarget.checked)} /> flip
              </label>
            </>
          )}
        </>
      );
    case 'attention': {
      const { registers } = models.value[lead.value]!;
      return (
        <>
          {registers > 0 && (
            <Segments
              label="Attention of"
              choices={Array.from({ length: 1 + registers }, (_, i) => ({ value: i, name: i === 0 ? 'Class token' : `Reg ${i}`, title: i === 0 ? undefined : `Register ${i}` }))}
              value={query.value}
              choose={(value) => (query.value = value)}
            />
          )}
          <span class="said">{head.value < 0 ? 'mean of all heads' : `head ${head.value + 1}`}</span>
        </>
      );
    }
    case 'similarity':
      return (
        <>
          <span>{chosenText()}</span>
          <span class="space" />
          <Scale />
        </>
      );
  }
}

function chosenText(): string {
  const patch = chosenPatch(lead.value);
  if (patch === undefined) return 'Click a patch to see what is like it.';
  const { columns } = models.value[lead.value]!;
  const time = clickTime.value === undefined ? '' : `, ${milliseconds(clickTime.value)}`;
  return `Like patch ${(patch % columns) + 1}, ${Math.floor(patch / columns) + 1} of ${shortName(place.value!.image)}${time}`;
}

function Scale() {
  if (open.value.length < 2) return null;
  return (
    <Segments label="Scale" choices={[{ value: 1, name: 'One scale', title: 'Colours mean the same in all open pictures' }, { value: 0, name: 'Each its own' }]} value={Number(sameScale.value)} choose={(value) => (sameScale.value = value === 1)} />
  );
}

function Look() {
  const current = mode.value;
  return (
    <>
      <Slider name="opacity" value={opacity.value[current]} change={(value) => (opacity.value = { ...opacity.value, [current]: value })} />
      <label class="check">
        <input type="checkbox" checked={smooth.value} onChange={({ currentTarget }) => (smooth.value = currentTarget.checked)} /> smooth
      </label>
    </>
  );
}

function Slider({ name, value, change }: { readonly name: string; readonly value: number; change(value: number): void }) {
  return (
    <label class="slider">
      {name} <input type="range" min="0" max="1" step="0.01" value={value} onInput={({ currentTarget }) => change(currentTarget.valueAsNumber)} />
    </label>
  );
}
