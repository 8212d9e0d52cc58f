import { classColour } from './class-colours';
import type { Picture } from './picture';

/** Class numbers as colours. */
export function paintMask({ data, width, height }: { readonly data: ArrayLike<number>; readonly width: number; readonly height: number }): Picture {
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) rgb.set(classColour(data[i]!), i * 3);
  return { data: rgb, width, height };
}
