import { statSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { type ImageSource, openSource, takeImages } from '@dinov2/data';
import { ProbeError } from '../error';
import { sampleFolder } from './defaults';

const lists = ['.txt', '.csv', '.jsonl', '.parquet', '.tar'];

/** Pictures to look at: a folder, a list, or one file; by default those that come with the sample. */
export function openPictures(path = join(sampleFolder(), 'pictures')): ImageSource {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new ProbeError(`no pictures at ${path}; check the path`);
  if (stats.isDirectory() || lists.includes(extname(path).toLowerCase())) return openSource(path);
  return { paths: [resolve(path)], labels: Int32Array.of(-1), classes: [] };
}

/** The first `count` pictures of a source, evenly spread over it. */
export function spread(source: ImageSource, count: number): ImageSource {
  const total = source.paths.length;
  if (total <= count) return source;
  const places = Array.from({ length: count }, (_, i) => Math.floor((i * total) / count));
  return takeImages(source, places);
}

/** File names for what is made of pictures, without endings; those that occur twice get a number. */
export function outputNames(paths: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return paths.map((path) => {
    const name = basename(path, extname(path));
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return times === 1 ? name : `${name}-${times}`;
  });
}
