import sharp from 'sharp';

/** A picture in memory, (height, width, 3) 8-bit. */
export interface Picture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A picture of one colour. */
export function blank(width: number, height: number, [r, g, b]: readonly [number, number, number] = [255, 255, 255]): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i += 3) data.set([r, g, b], i);
  return { data, width, height };
}

/** Every pixel `factor` × `factor` times as large, with its edges. */
export function enlarge({ data, width, height }: Picture, factor: number): Picture {
  const large = new Uint8Array(width * height * factor * factor * 3);
  for (let y = 0; y < height * factor; y++) {
    for (let x = 0; x < width * factor; x++) {
      const from = (Math.floor(y / factor) * width + Math.floor(x / factor)) * 3;
      large.set(data.subarray(from, from + 3), (y * width * factor + x) * 3);
    }
  }
  return { data: large, width: width * factor, height: height * factor };
}

/** Draw a picture into another, its upper left corner at (x, y). */
function paste(onto: Picture, { data, width, height }: Picture, x: number, y: number): void {
  for (let row = 0; row < height; row++) onto.data.set(data.subarray(row * width * 3, (row + 1) * width * 3), ((y + row) * onto.width + x) * 3);
}

/** Pictures in rows and columns on white, `gap` pixels apart; columns are as wide as their widest, rows as high as their highest. */
export function sheet(rows: readonly (readonly Picture[])[], gap = 4): Picture {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, c) => Math.max(0, ...rows.map((row) => row[c]?.width ?? 0)));
  const heights = rows.map((row) => Math.max(...row.map(({ height }) => height)));
  const total = (lengths: readonly number[]) => lengths.reduce((sum, length) => sum + length, 0) + gap * (lengths.length - 1);
  const all = blank(total(widths), total(heights));
  let y = 0;
  for (const [r, row] of rows.entries()) {
    let x = 0;
    for (const [c, picture] of row.entries()) {
      paste(all, picture, x, y);
      x += widths[c]! + gap;
    }
    y += heights[r]! + gap;
  }
  return all;
}

/** (N, 4) RGBA pixels on a grey ground as a picture of `columns` pixels in a row. */
export function onGrey(rgba: Uint8ClampedArray, columns: number): Picture {
  const count = rgba.length / 4;
  const data = new Uint8Array(count * 3);
  for (let i = 0; i < count; i++) data.set(rgba[i * 4 + 3] === 0 ? [128, 128, 128] : rgba.subarray(i * 4, i * 4 + 3), i * 3);
  return { data, width: columns, height: count / columns };
}

/** The picture as a PNG file in memory, with `drawing`, SVG of its size, on top. */
export async function png({ data, width, height }: Picture, drawing?: string): Promise<Buffer> {
  const picture = sharp(data, { raw: { width, height, channels: 3 } });
  const drawn = drawing === undefined ? picture : picture.composite([{ input: Buffer.from(drawing) }]);
  return drawn.png({ compressionLevel: 9 }).toBuffer();
}

/** A PNG as it goes into a page. */
export async function pngUri(picture: Picture): Promise<string> {
  return `data:image/png;base64,${(await png(picture)).toString('base64')}`;
}

/** Draw a square frame of two pixels, dark within light, around the `side` pixels at (x, y). */
export function frame(picture: Picture, x: number, y: number, side: number): void {
  for (const [margin, value] of [[2, 255], [1, 0]] as const) {
    for (let i = -margin; i < side + margin; i++) {
      for (const [px, py] of [[x + i, y - margin], [x + i, y + side + margin - 1], [x - margin, y + i], [x + side + margin - 1, y + i]] as const) {
        if (px >= 0 && py >= 0 && px < picture.width && py < picture.height) picture.data.fill(value, (py * picture.width + px) * 3, (py * picture.width + px) * 3 + 3);
      }
    }
  }
}
