import type { Overlay } from './overlays';

export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PictureLayers {
  readonly picture?: CanvasImageSource;
  readonly overlay?: Overlay;
  readonly opacity: number;
  readonly smooth: boolean;
  /** Patch to frame. */
  readonly marked?: number;
}

const scratch = document.createElement('canvas');

/** Draw a picture with colours over it into a part of a canvas. */
export function drawPicture(context: CanvasRenderingContext2D, place: Place, { picture, overlay, opacity, smooth, marked }: PictureLayers): void {
  const { x, y, width, height } = place;
  if (picture !== undefined) {
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = 'high';
    context.drawImage(picture, x, y, width, height);
  }
  if (overlay === undefined) return;
  const { rows, columns, rgba } = overlay;
  scratch.width = columns;
  scratch.height = rows;
  scratch.getContext('2d')!.putImageData(new ImageData(rgba, columns, rows), 0, 0);
  if (picture !== undefined && hasHoles(rgba)) {
    // What is masked away steps back.
    context.fillStyle = '#000';
    context.globalAlpha = 0.72 * opacity;
    context.fillRect(x, y, width, height);
  }
  context.globalAlpha = opacity;
  context.imageSmoothingEnabled = smooth;
  context.drawImage(scratch, x, y, width, height);
  context.globalAlpha = 1;
  if (marked !== undefined) {
    const [w, h] = [width / columns, height / rows];
    frame(context, { x: x + (marked % columns) * w, y: y + Math.floor(marked / columns) * h, width: w, height: h }, Math.max(1, Math.min(width, height) / 220));
  }
}

/** White on black, to be seen on any colour. */
function frame(context: CanvasRenderingContext2D, { x, y, width, height }: Place, line: number): void {
  context.lineWidth = line * 3;
  context.strokeStyle = 'rgb(0 0 0 / 80%)';
  context.strokeRect(x, y, width, height);
  context.lineWidth = line;
  context.strokeStyle = '#fff';
  context.strokeRect(x, y, width, height);
}

function hasHoles(rgba: Uint8ClampedArray): boolean {
  for (let i = 3; i < rgba.length; i += 4) if (rgba[i] === 0) return true;
  return false;
}
