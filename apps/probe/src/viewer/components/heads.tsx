import { useLayoutEffect, useRef } from 'preact/hooks';
import { drawPicture } from '../draw';
import { heatInRange, rangeOf } from '../heat-colours';
import { headMap } from '../overlays';
import { focus, head, lead, models, open, query, shortName } from '../state';

/** Attention of every head in the picture that has the focus; choose one to see it large. */
export function Heads() {
  const image = focus.value ?? open.value[0]!;
  const { heads } = models.value[lead.value]!;
  return (
    <div class="heads" role="radiogroup" aria-label={`Heads, ${shortName(image)}`}>
      {Array.from({ length: heads + 1 }, (_, i) => <HeadMap key={i} image={image} number={i - 1} />)}
    </div>
  );
}

function HeadMap({ image, number }: { readonly image: number; readonly number: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const values = headMap(lead.value, image, number, query.value);
  const { rows, columns } = models.value[lead.value]!;
  useLayoutEffect(() => {
    const target = canvas.current!;
    target.width = columns;
    target.height = rows;
    if (values === undefined) return;
    const overlay = { rows, columns, rgba: heatInRange(values, rangeOf([values])) };
    drawPicture(target.getContext('2d')!, { x: 0, y: 0, width: columns, height: rows }, { overlay, opacity: 1, smooth: false });
  }, [values, rows, columns]);
  return (
    <button type="button" role="radio" aria-checked={head.value === number} onClick={() => (head.value = number)}>
      <canvas ref={canvas} />
      <span>{number < 0 ? 'mean' : number + 1}</span>
    </button>
  );
}
