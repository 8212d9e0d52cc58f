import { useComputed } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { pictureUrl } from '../api';
import { drawPicture } from '../draw';
import { folderOrder } from '../neighbours';
import { folderOverlay } from '../overlays';
import { focus, lead, mode, models, opacity, open, openImage, order, overFolder, place as chosenPlace, smooth, viewer } from '../state';
import { useSize } from './use-size';

const GAP = 6;
const WANTED = 104;
/** Rows beyond the visible ones that are kept, so that scrolling shows no gaps. */
const MARGIN = 3;

/** The pictures in order; only those in sight are in the document. */
export function Grid() {
  const scroller = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(scroller);
  const [top, setTop] = useState(0);
  const { rows, columns } = models.value[lead.value]!;

  const across = Math.max(2, Math.round((width + GAP) / (WANTED + GAP)));
  const cellWidth = Math.max(1, (width - GAP * (across + 1)) / across);
  const cellHeight = (cellWidth * rows) / columns;
  const list = folderOrder.value;
  const total = Math.ceil(list.length / across) * (cellHeight + GAP) + GAP;
  const first = Math.max(0, Math.floor(top / (cellHeight + GAP)) - MARGIN) * across;
  const last = width === 0 ? 0 : Math.min(list.length, (Math.ceil((top + height) / (cellHeight + GAP)) + MARGIN) * across);

  // Another order begins at its beginning.
  useEffect(() => scroller.current!.scrollTo(0, 0), [order.value, order.value === 'image' ? focus.value : chosenPlace.value]);

  return (
    <div class="grid" ref={scroller} tabIndex={-1} onScroll={({ currentTarget }) => setTop(currentTarget.scrollTop)}>
      <div style={{ height: `${total}px` }}>
        {list.slice(first, last).map(({ image, similarity, patch: best }, i) => {
          const at = first + i;
          return (
            <Cell
              key={image}
              image={image}
              similarity={similarity}
              marked={best}
              place={{
                left: GAP + (at % across) * (cellWidth + GAP),
                top: GAP + Math.floor(at / across) * (cellHeight + GAP),
                width: cellWidth,
                height: cellHeight,
              }}
            />
          );
        })}
      </div>
    </div>
  );
}

interface CellProps {
  readonly image: number;
  readonly similarity?: number;
  readonly marked?: number;
  readonly place: { readonly left: number; readonly top: number; readonly width: number; readonly height: number };
}

function Cell({ image, similarity, marked, place }: CellProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const overlay = useComputed(() => (overFolder.value && mode.value === 'similarity' && chosenPlace.value !== undefined ? folderOverlay(lead.value, image) : undefined)).value;
  const { left, top, width, height } = place;
  const isOpen = open.value.includes(image);
  const name = viewer.value!.names[image]!;
  const { columns, rows } = models.value[lead.value]!;

  useLayoutEffect(() => {
    const target = canvas.current;
    if (target === null) return;
    const scale = Math.min(2, devicePixelRatio);
    target.width = Math.round(width * scale);
    target.height = Math.round(height * scale);
    drawPicture(target.getContext('2d')!, { x: 0, y: 0, width: target.width, height: target.height }, { overlay, opacity: 1, smooth: smooth.value });
  }, [overlay, width, height, smooth.value]);

  return (
    <div class={`cell ${isOpen ? 'open' : ''}`} style={{ left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` }} data-image={image}>
      <button type="button" class="whole" title={name} aria-label={`Open ${name}`} onClick={({ shiftKey, ctrlKey, metaKey }) => openImage(image, shiftKey || ctrlKey || metaKey)} />
      <img src={pictureUrl(lead.value, image, 160)} alt="" loading="lazy" decoding="async" draggable={false} />
      {overlay && <canvas ref={canvas} style={{ opacity: opacity.value.similarity }} />}
      {marked !== undefined && (
        <i style={{ left: `${(100 * (marked % columns)) / columns}%`, top: `${(100 * Math.floor(marked / columns)) / rows}%`, width: `${100 / columns}%`, height: `${100 / rows}%` }} />
      )}
      {similarity !== undefined && <span>{similarity.toFixed(2)}</span>}
      <button type="button" class="add" aria-label={isOpen ? `Close ${name}` : `Open ${name} too`} title={isOpen ? 'Close' : 'Open too'} onClick={() => openImage(image, true)}>
        {isOpen ? '−' : '+'}
      </button>
    </div>
  );
}
