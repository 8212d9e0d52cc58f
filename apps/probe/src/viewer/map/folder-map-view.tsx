import { effect, signal, useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import type { FolderMap } from '../../view/protocol';
import { getMap } from '../api';
import { useSize } from '../components/use-size';
import { pictureArrived } from '../picture-cache';
import { isReady, lead, models, open, openImage, problem, progress, viewer } from '../state';
import { isDark } from '../theme';
import { drawMap, imageAt, type MapScene } from './draw-map';
import { fitView, turnTo, type View, zoomAt } from './view-transform';

/** By weights. */
const maps = signal<ReadonlyMap<number, FolderMap | 'asked'>>(new Map());
/** What is on the map now, to be saved. */
export const shownMap = signal<MapScene | undefined>(undefined);

function ask(model: number): void {
  if (maps.peek().has(model)) return;
  maps.value = new Map(maps.peek()).set(model, 'asked');
  getMap(model).then(
    (map) => (maps.value = new Map(maps.peek()).set(model, map)),
    (error: Error) => (problem.value = `The map could not be made: ${error.message}.`),
  );
}

/** Pictures on a plane, similar ones close to each other. */
export function FolderMapView() {
  const area = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height } = useSize(area);
  const view = useSignal<View | undefined>(undefined);
  const pointed = useSignal<number | undefined>(undefined);
  const model = lead.value;
  const map = maps.value.get(model);

  useEffect(() => effect(() => {
    if (isReady(lead.value)) ask(lead.value);
  }), []);
  useEffect(() => void (view.value = undefined), [width, height, model]);

  const turned = useMemo(() => turnTo({ width, height }, map === undefined || map === 'asked' ? [0, 0] : map.places), [map, width < height]);
  const whole = fitView({ width, height }, turned.extent, viewer.value!.names.length);
  const { rows, columns } = models.value[model]!;
  const state = progress.value[model];
  const share = state?.status === 'ready' ? state.map : undefined;
  const scene: MapScene | undefined =
    map === undefined || map === 'asked'
      ? undefined
      : { images: map.images, places: turned.places, view: view.value ?? whole, width, height, model, aspect: rows / columns, open: open.value, ...(pointed.value !== undefined && { pointed: pointed.value }) };

  useLayoutEffect(() => {
    shownMap.value = scene;
    const target = canvas.current!;
    target.width = Math.round(width * devicePixelRatio);
    target.height = Math.round(height * devicePixelRatio);
    if (scene === undefined || width === 0) return;
    const context = target.getContext('2d')!;
    context.scale(devicePixelRatio, devicePixelRatio);
    drawMap(context, scene);
  }, [map, view.value, width, height, model, open.value, pointed.value, pictureArrived.value, isDark.value]);

  const zoom = (factor: number, x = width / 2, y = height / 2) => (view.value = zoomAt(view.value ?? whole, factor, x, y, whole.scale));

  // Not passive, so that the page does not scroll as well.
  useEffect(() => {
    const target = canvas.current!;
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      zoom(Math.exp(-event.deltaY * (event.deltaMode === 0 ? 0.0018 : 0.05)), event.offsetX, event.offsetY);
    };
    target.addEventListener('wheel', wheel, { passive: false });
    return () => target.removeEventListener('wheel', wheel);
  });

  const pointers = useRef(new Map<number, { x: number; y: number }>());
  const moved = useRef(0);

  return (
    <div class="map" ref={area}>
      <canvas
        ref={canvas}
        tabIndex={0}
        role="img"
        aria-label="Map of the folder"
        style={{ cursor: pointed.value === undefined ? 'grab' : 'pointer' }}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          pointers.current.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
          if (pointers.current.size === 1) moved.current = 0;
        }}
        onPointerMove={(event) => {
          const before = pointers.current.get(event.pointerId);
          const now = { x: event.offsetX, y: event.offsetY };
          if (before === undefined) {
            pointed.value = scene && imageAt(scene, now.x, now.y);
            return;
          }
          const from = view.value ?? whole;
          const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
          pointers.current.set(event.pointerId, now);
          moved.current += Math.hypot(now.x - before.x, now.y - before.y);
          if (other === undefined) view.value = { ...from, x: from.x + now.x - before.x, y: from.y + now.y - before.y };
          else zoom(Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y)), other.x, other.y);
        }}
        onPointerUp={(event) => {
          pointers.current.delete(event.pointerId);
          if (moved.current > 5 || scene === undefined) return;
          const hit = imageAt(scene, event.offsetX, event.offsetY);
          if (hit !== undefined) openImage(scene.images[hit]!, event.shiftKey || event.ctrlKey || event.metaKey);
        }}
        onPointerCancel={(event) => pointers.current.delete(event.pointerId)}
        onPointerLeave={() => (pointed.value = undefined)}
        onKeyDown={({ key }) => {
          if (key === '+' || key === '=') zoom(1.4);
          else if (key === '-') zoom(1 / 1.4);
          else if (key === '0') view.value = undefined;
        }}
      />
      {scene === undefined && <p class="empty">{isReady(model) ? `Laying out the folder … ${share === undefined ? '' : `${Math.round(100 * share)} %`}` : 'The map comes when all features are there.'}</p>}
      {pointed.value !== undefined && scene !== undefined && <span class="pointed-name">{viewer.value!.names[scene.images[pointed.value]!]}</span>}
      <div class="zoom">
        <button type="button" aria-label="Closer" onClick={() => zoom(1.6)}>+</button>
        <button type="button" aria-label="Farther" onClick={() => zoom(1 / 1.6)}>−</button>
        <button type="button" aria-label="Whole map" onClick={() => (view.value = undefined)}>All</button>
      </div>
      {map !== undefined && map !== 'asked' && <span class="method">{map.method === 'umap' ? 'UMAP' : 'PCA'} of class tokens</span>}
    </div>
  );
}
