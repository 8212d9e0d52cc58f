import { pictureOf } from '../picture-cache';
import { colourOf } from '../theme';
import { thumbnailSide, type View } from './view-transform';

export interface MapScene {
  readonly images: readonly number[];
  /** (images, 2) */
  readonly places: readonly number[];
  readonly view: View;
  /** In the units of the view. */
  readonly width: number;
  readonly height: number;
  readonly model: number;
  /** Height / width of a picture. */
  readonly aspect: number;
  /** Framed. */
  readonly open: readonly number[];
  /** Drawn larger, above all others. */
  readonly pointed?: number;
}

/** Pictures that are drawn at once; where more are in sight, the others are dots until one comes closer. */
const MOST_PICTURES = 1200;

/** Draw the pictures that are in sight. */
export function drawMap(context: CanvasRenderingContext2D, scene: MapScene): void {
  const { images, places, view, width, height, model, aspect, open, pointed } = scene;
  const side = thumbnailSide(images.length, view.scale);
  const accent = colourOf('--accent');
  const page = colourOf('--page');
  const dot = colourOf('--faint');
  context.clearRect(0, 0, width, height);
  context.imageSmoothingQuality = 'medium';
  const corner = (i: number, w: number, h: number) => [view.x + places[2 * i]! * view.scale - w / 2, view.y + places[2 * i + 1]! * view.scale - h / 2] as const;
  const isInSight = (x: number, y: number, w: number, h: number) => x <= width && y <= height && x + w >= 0 && y + h >= 0;
  let inSight = 0;
  for (let i = 0; i < images.length; i++) if (isInSight(...corner(i, side, side), side, side)) inSight++;
  const every = Math.ceil(inSight / MOST_PICTURES);
  const draw = (i: number, size: number) => {
    const [w, h] = [size, size * aspect];
    const [x, y] = corner(i, w, h);
    if (!isInSight(x, y, w, h)) return;
    const image = images[i]!;
    const picture = i % every === 0 || i === pointed || open.includes(image) ? pictureOf(model, image, 160) : undefined;
    if (picture === undefined) {
      context.fillStyle = dot;
      context.beginPath();
      context.arc(x + w / 2, y + h / 2, Math.min(3, size / 4), 0, 2 * Math.PI);
      context.fill();
      return;
    }
    const marked = open.includes(image);
    if (marked || i === pointed) {
      context.fillStyle = marked ? accent : page;
      context.fillRect(x - 2.5, y - 2.5, w + 5, h + 5);
    }
    context.drawImage(picture, x, y, w, h);
  };
  const above: number[] = [];
  for (let i = 0; i < images.length; i++) {
    if (i === pointed) continue;
    if (open.includes(images[i]!)) above.push(i);
    else draw(i, side);
  }
  for (const i of above) draw(i, Math.max(side, 30));
  if (pointed !== undefined) draw(pointed, Math.max(side * 1.3, 84));
}

/** Number in the scene of the picture at a point of the screen; of several, the one drawn last. */
export function imageAt({ images, places, view, aspect }: MapScene, x: number, y: number): number | undefined {
  const side = Math.max(14, thumbnailSide(images.length, view.scale));
  let found: number | undefined;
  for (let i = 0; i < images.length; i++) {
    const dx = Math.abs(view.x + places[2 * i]! * view.scale - x);
    const dy = Math.abs(view.y + places[2 * i + 1]! * view.scale - y);
    if (dx <= side / 2 && dy <= (side * aspect) / 2) found = i;
  }
  return found;
}
