import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeImage, preprocess } from '@dinov2/data';
import { onnxEngine } from '@dinov2/engine-onnx';
import type { Extractor } from '@dinov2/features';
import type { Engine } from '@dinov2/jit';
import { createRandom } from '@dinov2/primitives';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { joinNeighbours } from '../../neighbours/join-neighbours';
import { memoryVectors } from '../../vectors/memory-vectors';
import { openExtractor } from '../choose-weights';
import { selectVectors } from '../image-table';
import { chooseThreshold } from './choose-threshold';
import { workOf } from './work.testing';

const IMAGES = 60;
let folder: string;
let engine: Engine;
let extractor: Extractor;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'threshold-'));
  engine = onnxEngine({ threads: 1 });
  extractor = await openExtractor('pixels', { size: null, resize: null, workers: 1 });
});
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true });
});

/** Work on pictures of 6 × 6 soft fields of random colours, which differ from one another by so many levels. */
async function workOn(name: string, difference: number, settings: object = {}) {
  const random = createRandom(7);
  const base = Array.from({ length: 108 }, () => 60 + 120 * random.uniform());
  const path: string[] = [];
  const embeddings: number[] = [];
  for (let i = 0; i < IMAGES; i++) {
    const data = Uint8Array.from(base, (value) => value + difference * (random.uniform() - 0.5));
    path.push(join(folder, `${name}-${i}.png`));
    await sharp(data, { raw: { width: 6, height: 6, channels: 3 } }).resize(96, 96, { kernel: 'cubic' }).png().toFile(path[i]!);
    embeddings.push(...(await extractor.extract(await preprocess(await decodeImage(path[i]!), extractor.preprocessing))).classTokens.data);
  }
  const vectors = memoryVectors(Float32Array.from(embeddings), embeddings.length / IMAGES);
  const missing = path.map(() => null);
  const work = workOf<'selfDeduplicate'>({ selfDeduplicate: settings }, { sources: { web: { images: IMAGES } }, columns: { path, offset: missing, length: missing } });
  const spies = { say: vi.fn<(text: string) => void>(), warn: vi.fn<(text: string) => void>() };
  return { ...work, ...spies, images: { ...work.images, vectors }, vectors: (ids: Uint32Array) => selectVectors(vectors, ids), engine: async () => engine, extractor: async () => extractor };
}

/** Pairs above a threshold, each counted from both ends. */
async function pairsAbove(work: Awaited<ReturnType<typeof workOn>>, threshold: number): Promise<number> {
  const { vectors } = work.images;
  const found = await joinNeighbours(vectors, vectors, { engine, threshold });
  await found.close();
  return found.count;
}

describe('chooseThreshold', () => {
  it('measures where nine of ten copies are more alike, if pictures differ', async () => {
    const work = await workOn('different', 240);
    const chosen = await chooseThreshold(work, 'self');
    expect(chosen).toMatchObject({ separable: true, thresholdReason: expect.stringContaining('nine of ten of 240 copies') });
    expect(chosen.copiesFound).toBeCloseTo(0.9, 1);
    expect(await pairsAbove(work, chosen.threshold)).toBe(0);
    expect(work.say).toHaveBeenCalledWith(`  threshold ${chosen.threshold}: ${chosen.thresholdReason}`);
    expect(work.warn).not.toHaveBeenCalled();
    expect(await chooseThreshold(work, 'self')).toEqual(chosen);

    // In the paper's proportion of distances, 0.55 to 0.4.
    const relative = await chooseThreshold(work, 'relative');
    expect((1 - relative.threshold) / (1 - chosen.threshold)).toBeCloseTo(1.375, 2);
  });

  it('drops no look-alikes where they are more alike than copies, and warns', async () => {
    const work = await workOn('alike', 8);
    const chosen = await chooseThreshold(work, 'self');
    expect(chosen.separable).toBe(false);
    expect(chosen.copiesFound).toBeLessThan(0.5);
    expect(await pairsAbove(work, chosen.threshold)).toBe(0);
    expect(work.warn).toHaveBeenCalledWith(expect.stringContaining('do not tell copies from look-alikes'));
    const before = [{ kind: 'selfDeduplicate', name: 'self', folder, threshold: chosen.threshold, separable: false }] as const;
    expect((await chooseThreshold({ ...work, before }, 'relative')).thresholdReason).toContain('of altered copies of held-out images many stay');
  });

  it('takes what is asked for, and for held-out sets what fits the step before', async () => {
    const work = await workOn('asked', 8, { threshold: 0.7 });
    expect(await chooseThreshold(work, 'self')).toEqual({ threshold: 0.7, thresholdReason: 'asked for' });
    const before = [{ kind: 'selfDeduplicate', name: 'self', folder, threshold: 0.6 }] as const;
    const relative = { ...work, settings: { ...work.settings, threshold: 'auto' as const }, before };
    expect(await chooseThreshold(relative, 'relative')).toEqual({ threshold: 0.45, thresholdReason: "as the paper's 0.45 is to 0.6, to the 0.6 of self" });
  });
});
