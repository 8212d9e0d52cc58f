import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll } from 'vitest';

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A new empty folder, removed after the test file. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dinov2-data-'));
  folders.push(folder);
  return folder;
}

/** An image of smooth colour, different for each seed. */
export function wave(width: number, height: number, seed = 0): Sharp {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const channel = i % 3;
    const x = ((i - channel) / 3) % width;
    const y = Math.floor(i / 3 / width);
    data[i] = 128 + 100 * Math.sin(0.05 * (x * (channel + 1) + y * (3 - channel)) + seed);
  }
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** Write a file below a folder, making folders as needed, and return its path. */
export function put(folder: string, name: string, content: Uint8Array | string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** A folder of `count` JPEGs, 80 × 60 pixels. */
export async function folderOfJpegs(count: number): Promise<string> {
  const folder = newFolder();
  for (let i = 0; i < count; i++) {
    put(folder, `${String(i).padStart(3, '0')}.jpg`, await wave(80, 60, i).jpeg().toBuffer());
  }
  return folder;
}
