import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { drawPicture } from '../draw';
import { overlayKey, overlays } from '../overlays';
import { pictureOf } from '../picture-cache';
import { chosenPatch, choosePatch, clickTime, closeImage, focus, mode, models, opacity, open, place as chosenPlace, shortName, smooth, viewer } from '../state';
import { Icon } from './icon';

/** One picture by one of the weights. */
export function Panel({ model, image, width }: { readonly model: number; readonly image: number; readonly width: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const pointed = useSignal<number | undefined>(undefined);
  const { rows, columns, label } = models.value[model]!;
  const height = Math.round((width * rows) / columns);
  const overlay = overlays.value.get(overlayKey(model, image));
  const picture = pictureOf(model, image, width * devicePixelRatio > 700 ? 1024 : 640) ?? pictureOf(model, image, 160);
  const chosen = mode.value === 'similarity' && chosenPlace.value?.image === image ? chosenPatch(model) : undefined;
  const clicked = useRef<number | undefined>(undefined);

  useLayoutEffect(() => {
    const target = canvas.current!;
    const scale = devicePixelRatio;
    target.width = Math.round(width * scale);
    target.height = Math.round(height * scale);
    drawPicture(target.getContext('2d')!, { x: 0, y: 0, width: target.width, height: target.height }, { picture, overlay, opacity: opacity.value[mode.value], smooth: smooth.value });
    if (clicked.current !== undefined) answered(clicked.current);
    clicked.current = undefined;
  }, [picture, overlay, width, height, opacity.value, smooth.value, mode.value]);

  const patchAt = ({ offsetX, offsetY }: MouseEvent): number => {
    const { clientWidth, clientHeight } = canvas.current!;
    const column = Math.min(columns - 1, Math.max(0, Math.floor((offsetX / clientWidth) * columns)));
    const row = Math.min(rows - 1, Math.max(0, Math.floor((offsetY / clientHeight) * rows)));
    return row * columns + column;
  };
  const place = (at: number) => ({ left: `${(100 * (at % columns)) / columns}%`, top: `${(100 * Math.floor(at / columns)) / rows}%`, width: `${100 / columns}%`, height: `${100 / rows}%` });
  const value = pointed.value === undefined ? undefined : overlay?.values?.[pointed.value];

  return (
    <figure class={focus.value === image && open.value.length > 1 ? 'focus' : ''} data-image={image} data-model={model}>
      <div class="frame" style={{ width: `${width}px`, height: `${height}px` }}>
        <canvas
          ref={canvas}
          tabIndex={0}
          role="img"
          aria-label={`${shortName(image)}, ${columns} by ${rows} patches`}
          style={{ width: `${width}px`, height: `${height}px` }}
          onClick={(event) => {
            clicked.current = event.timeStamp;
            // Coordinates of clicks are rounded; the frame under the pointer is what is meant.
            choosePatch(model, image, pointed.value ?? patchAt(event));
          }}
          onPointerMove={(event) => (pointed.value = patchAt(event))}
          onPointerLeave={() => (pointed.value = undefined)}
          onFocus={() => (focus.value = image)}
        />
        {pointed.value !== undefined && <i class="pointed" style={place(pointed.value)} />}
        {chosen !== undefined && <i class="chosen" style={place(chosen)} />}
      </div>
      <figcaption>
        <span title={viewer.value!.names[image]}>{models.value.length > 1 ? <><b>{'AB'[model]}</b> {label}</> : shortName(image)}</span>
        <span class="space" />
        {value !== undefined && <output>{value.toFixed(3)}</output>}
        {model === 0 && (
          <button type="button" class="icon" aria-label={`Close ${shortName(image)}`} title="Close" onClick={() => closeImage(image)}>
            <Icon name="close" />
          </button>
        )}
      </figcaption>
    </figure>
  );
}

/** Note the time since the click once the browser has shown the answer. */
function answered(since: number): void {
  requestAnimationFrame(() => {
    // A message comes after the frame that was just painted.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => (clickTime.value = performance.now() - since);
    port2.postMessage(undefined);
  });
}
