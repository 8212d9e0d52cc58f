import type { Random } from '@dinov2/primitives';
import type { Raster } from './raster';

/** Fills a box of a page; all in pixels. */
type Ink = (left: number, top: number, width: number, height: number, strength?: number) => void;

/** What is on a page of so many pixels, within a margin. */
type PageLayout = (ink: Ink, random: Random, width: number, height: number) => void;

/** Kinds of printed matter. */
export const pages = {
  letter: (ink, random, width, height) => {
    const line = random.uniform(3, 6);
    for (let y = 0; y < height; y += 2 * line) if (random.uniform() < 0.92) words(ink, random, 0, y, width * (random.uniform() < 0.2 ? random.uniform(0.2, 0.8) : 1), 0.6 * line);
  },
  columns: (ink, random, width, height) => {
    const [line, count] = [random.uniform(2.5, 4.5), 2 + random.integer(2)];
    const column = width / count;
    for (let i = 0; i < count; i++) for (let y = random.uniform(0, 0.2) * height; y < height; y += 2 * line) words(ink, random, i * column, y, 0.85 * column, 0.6 * line);
  },
  table: (ink, random, width, height) => {
    const [rows, columns] = [3 + random.integer(6), 2 + random.integer(5)];
    for (let i = 0; i <= rows; i++) ink(0, (i * (height - 1)) / rows, width, 1);
    for (let i = 0; i <= columns; i++) ink((i * (width - 1)) / columns, 0, 1, height);
    for (let i = 0; i < rows * columns; i++) {
      if (random.uniform() < 0.8) ink((Math.floor(i / rows) + 0.15) * (width / columns), ((i % rows) + 0.35) * (height / rows), (width / columns) * random.uniform(0.2, 0.7), (height / rows) * 0.3, 0.7);
    }
  },
  list: (ink, random, width, height) => {
    const [step, indent] = [random.uniform(8, 16), random.uniform(0.08, 0.2) * width];
    for (let y = 0; y < height - step / 2; y += step) {
      ink(0.3 * indent, y, step / 3, step / 3);
      words(ink, random, indent, y, (width - indent) * random.uniform(0.3, 1), step / 3);
    }
  },
  bars: (ink, random, width, height) => {
    const count = 3 + random.integer(8);
    for (let i = 0; i < count; i++) {
      const tall = random.uniform(0.1, 1) * height;
      ink((i + 0.15) * (width / count), height - tall, 0.7 * (width / count), tall, random.uniform(0.4, 1));
    }
    ink(0, height - 1, width, 1.5);
  },
  curve: (ink, random, width, height) => {
    ink(0, 0, 1.5, height);
    ink(0, height - 1.5, width, 1.5);
    for (let line = 0; line <= random.integer(3); line++) {
      let y = random.uniform(0.2, 0.8) * height;
      let slope = random.uniform(-1, 1);
      for (let x = 2; x < width; x++) {
        slope = 0.9 * slope + 0.3 * random.normal();
        y = Math.min(height - 4, Math.max(1, y + slope));
        ink(x, y, 1.5, 2.5);
      }
    }
  },
  form: (ink, random, width, height) => {
    const step = random.uniform(13, 24);
    for (let y = 0; y + 0.7 * step < height; y += step) {
      words(ink, random, 0, y + 0.2 * step, 0.3 * width, 0.25 * step);
      const [left, wide, tall] = [0.38 * width, random.uniform(0.3, 0.6) * width, 0.65 * step];
      for (const [x, top, w, h] of [[left, y, wide, 1], [left, y + tall, wide, 1], [left, y, 1, tall], [left + wide, y, 1, tall]] as const) ink(x, top, w, h);
    }
  },
  headline: (ink, random, width, height) => {
    const rows = 1 + random.integer(3);
    for (let i = 0; i < rows; i++) words(ink, random, 0, (i * height) / rows, width * random.uniform(0.6, 1), (0.55 * height) / rows);
  },
} as const satisfies Readonly<Record<string, PageLayout>>;

export type PageName = keyof typeof pages;

/** Words in a row, from dark boxes. */
function words(ink: Ink, random: Random, left: number, top: number, width: number, height: number): void {
  for (let x = left; x < left + width - height; ) {
    const word = Math.min(left + width - x, height * random.uniform(0.8, 5));
    ink(x, top, word, height, random.uniform(0.6, 1));
    x += word + 0.8 * height;
  }
}

/** A page: dark on light or light on dark, with margins, a little grain and an uneven light. */
export function drawPage(kind: PageName, random: Random, width: number, height: number): Raster {
  const paper = random.uniform(205, 255);
  const dark = random.uniform(10, 100);
  const inverted = random.uniform() < 0.15;
  const [ground, front] = inverted ? [dark, paper] : [paper, dark];
  const tint = [0, 0, 0].map(() => random.uniform(0.95, 1));
  const [marginX, marginY] = [random.uniform(0.04, 0.15) * width, random.uniform(0.04, 0.15) * height];
  const cover = new Float32Array(width * height);
  pages[kind](
    (left, top, wide, tall, strength = 1) => {
      const [x0, y0] = [Math.max(0, Math.round(marginX + left)), Math.max(0, Math.round(marginY + top))];
      const [x1, y1] = [Math.min(width, Math.max(x0 + 1, Math.round(marginX + left + wide))), Math.min(height, Math.max(y0 + 1, Math.round(marginY + top + tall)))];
      for (let y = y0; y < y1; y++) cover.fill(strength, y * width + x0, y * width + x1);
    },
    random,
    width - 2 * marginX,
    height - 2 * marginY,
  );
  const light = random.uniform(-0.1, 0.1);
  const grain = random.uniform(0, 10);
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < cover.length; i++) {
    const lit = 1 + light * ((i % width) / width - 0.5);
    const value = (ground + cover[i]! * (front - ground)) * lit + grain * (random.uniform() - 0.5);
    for (let c = 0; c < 3; c++) data[3 * i + c] = Math.max(0, Math.min(255, value * tint[c]!));
  }
  return { data, width, height };
}
