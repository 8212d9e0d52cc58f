// What the benchmarks on a generated heap share.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';

/** Bits by which the members of a distribution differ. */
export function entropy(counts) {
  const list = Object.values(counts);
  const total = list.reduce((a, b) => a + b, 0);
  return list.reduce((sum, count) => sum - (count / total) * Math.log2(count / total), 0);
}

export const percent = (part, whole) => `${((100 * part) / whole).toFixed(1)} %`;

/** Files of a heap, each as likely as any other: what one gets without curation, but for files that no decoder reads. */
export function randomFiles(heap, truth, count, random) {
  const files = truth.filter(({ kind, width, height }) => kind !== 'evaluation' && Math.min(width, height) >= 8);
  return [...random.permutation(files.length).subarray(0, count)].map((i) => join(heap, files[i].path));
}

/** The plan of both benchmarks: sources as one would name them, the evaluation set held out. */
export function planText({ heap, out, weights, images, seed }) {
  const source = (name) => `  - { name: ${name}, path: ${JSON.stringify(join(heap, 'images', name))}, priority: ${name === 'album' ? 1 : 0} }`;
  return `out: ${JSON.stringify(out)}
seed: ${seed}
sources:
${['album', 'crawl', 'forum', 'mirror'].map(source).join('\n')}
heldOut:
  - { name: heldout, path: ${JSON.stringify(join(heap, 'evaluation', 'heldout'))} }
embed: { weights: ${JSON.stringify(weights)} }
steps:
  - filter: {}
  - exact: {}
  - selfDeduplicate: {}
  - relativeDeduplicate: { mode: direct }
  - cluster: {}
  - balance: { images: ${images} }
`;
}

/** Watch a process; the returned function gives its largest resident memory in bytes (Linux). */
export function peakMemory(pid) {
  let peak = 0;
  const look = () => {
    try {
      peak = Math.max(peak, 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0));
    } catch {
      // It has ended.
    }
  };
  const timer = setInterval(look, 200);
  return () => {
    clearInterval(timer);
    return peak;
  };
}
