import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnxEngine } from '@dinov2/engine-onnx';
import { eagerEngine, type Engine } from '@dinov2/jit';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createRandom } from '@dinov2/primitives';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CurationError } from '../error';
import { memoryVectors } from '../vectors/memory-vectors';
import { openNpy } from '../vectors/open-npy';
import type { Vectors } from '../vectors/vectors';
import { writeNpy } from '../vectors/write-npy';
import { readEdges, writeEdges } from './edge-file';
import type { EdgeBlock } from './edges';
import { joinNeighbours } from './join-neighbours';
import type { JoinOptions } from './join-options';
import type { JoinProgress } from './progress';

const columns = 24;
let engine: Engine;
let scratch: string;
beforeAll(() => {
  engine = onnxEngine({ threads: 2 });
  scratch = mkdtempSync(join(tmpdir(), 'curation-test-'));
});
afterAll(async () => {
  await engine.dispose();
  rmSync(scratch, { recursive: true });
});

/** Rows around some centres, of different lengths, a third of them close to an earlier row. */
function clustered(rows: number, seed: number, centres = 12): Float32Array {
  const random = createRandom(seed);
  const middle = Float32Array.from({ length: centres * columns }, () => random.normal());
  const data = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const near = row > 10 && random.uniform() < 0.33;
    const from = near ? data : middle;
    const at = (near ? random.integer(row) : random.integer(centres)) * columns;
    const spread = near ? random.uniform(0, 1) : 1.2;
    const scale = random.uniform(0.5, 2);
    for (let i = 0; i < columns; i++) data[row * columns + i] = scale * (from[at + i]! + spread * random.normal());
  }
  return data;
}

interface Edge {
  readonly from: number;
  readonly to: number;
  readonly similarity: number;
}

/** All pairs in double precision, sorted. */
function bruteForce(queries: Float32Array, database: Float32Array, k: number, threshold: number): Edge[] {
  const unit = (data: Float32Array) =>
    Array.from({ length: data.length / columns }, (_, row) => {
      const values = [...data.subarray(row * columns, (row + 1) * columns)];
      const length = Math.hypot(...values);
      return values.map((value) => value / length);
    });
  const rows = unit(database);
  return unit(queries).flatMap((query, from) =>
    rows
      .map((row, to) => ({ from, to, similarity: row.reduce((sum, value, i) => sum + value * query[i]!, 0) }))
      .filter(({ to, similarity }) => similarity > threshold && !(queries === database && to === from))
      .sort((a, b) => b.similarity - a.similarity || a.to - b.to)
      .slice(0, k),
  );
}

async function all(blocks: AsyncIterable<EdgeBlock>): Promise<Edge[]> {
  const edges: Edge[] = [];
  for await (const { count, from, to, similarity } of blocks) {
    for (let i = 0; i < count; i++) edges.push({ from: from[i]!, to: to[i]!, similarity: similarity[i]! });
  }
  return edges;
}

async function joined(queries: Vectors, database: Vectors, options: Omit<JoinOptions, 'engine'>) {
  const result = await joinNeighbours(queries, database, { engine, ...options });
  const edges = await all(result.edges());
  expect(edges).toHaveLength(result.count);
  await result.close();
  return { ...result, edges };
}

/** What a join leaves in its folder besides whole partitions. */
const unfinished = (folder: string) => (existsSync(folder) ? readdirSync(folder).filter((name) => !/^partitions-[0-9a-f]+$/.test(name)) : []);

const pairs = (edges: readonly Edge[]) => edges.map(({ from, to }) => `${from} ${to}`);

/** The same pairs in the same order, with similarities within float32 rounding of 24 products. */
function expectEdges(actual: readonly Edge[], expected: readonly Edge[]): void {
  expect(pairs(actual)).toEqual(pairs(expected));
  actual.forEach(({ similarity }, i) => expect(Math.abs(similarity - expected[i]!.similarity)).toBeLessThan(1e-6));
}

describe('exact join', () => {
  it.each([
    [300, 300, 64, 0.6, undefined], [130, 1500, 5, 0.3, 50], [1100, 90, 8, 0.5, 1024], [40, 2100, 3, -Infinity, 7], [1, 5, 10, -1, undefined],
  ])('of %i queries and %i rows, k %i above %f, equals brute force, %s queries at a time', async (count, rows, k, threshold, queryRows) => {
    const [queries, database] = [clustered(count, 1), clustered(rows, 2)];
    const { edges, method, edgeRecall } = await joined(memoryVectors(queries, columns), memoryVectors(database, columns), { k, threshold, queryRows });
    expectEdges(edges, bruteForce(queries, database, k, threshold));
    expect([method, edgeRecall]).toEqual(['exact', 1]);
  });

  it.each([[64, 0.6], [4, 0.2]])('with itself leaves the row out: k %i above %f', async (k, threshold) => {
    const data = clustered(700, 3);
    const vectors = memoryVectors(data, columns);
    const { edges } = await joined(vectors, vectors, { k, threshold, queryRows: 300 });
    expectEdges(edges, bruteForce(data, data, k, threshold));
  });

  it('reads files, and rounds no more than they do', async () => {
    const data = clustered(500, 5);
    const path = join(scratch, 'rows.npy');
    const writer = await writeNpy(path, columns);
    await writer.append(data);
    await writer.close();
    const vectors = await openNpy(path);
    expectEdges((await joined(vectors, vectors, {})).edges, bruteForce(data, data, 64, 0.6));
    await vectors.close();
  });
});

describe.each(['exact', 'ivf'] as const)('%s join', (method) => {
  it('finds k others of a group of more than k equal rows, and never the row itself', async () => {
    const data = clustered(200, 6);
    for (let row = 100; row < 180; row++) data.copyWithin(row * columns, 0, columns);
    const vectors = memoryVectors(data, columns);
    const { edges } = await joined(vectors, vectors, { method, k: 16, threshold: 0.9, partitions: 10, probes: 10 });
    expect(edges.filter(({ from, to }) => from === to)).toEqual([]);
    const equal = (row: number) => row === 0 || (row >= 100 && row < 180);
    for (let from = 0; from < 200; from++) {
      if (!equal(from)) continue;
      const own = edges.filter((edge) => edge.from === from);
      expect(own).toHaveLength(16);
      expect(own.every(({ to, similarity }) => equal(to) && similarity > 1 - 1e-6 && similarity <= 1)).toBe(true);
      expect(new Set(own.map(({ to }) => to)).size).toBe(16);
    }
  });

  it('runs on any engine', async () => {
    await tf.setBackend('cpu');
    const eager = eagerEngine();
    const [queries, database] = [clustered(70, 18), clustered(150, 19)];
    const result = await joinNeighbours(memoryVectors(queries, columns), memoryVectors(database, columns), {
      engine: eager, method, k: 5, threshold: 0.3, partitions: 6, probes: 6, queryRows: 40,
    });
    expectEdges(await all(result.edges()), bruteForce(queries, database, 5, 0.3));
    await result.close();
    await eager.dispose();
    expect(tf.memory().numTensors).toBe(0);
  });

  it('gives shards that together are the whole, through files too', async () => {
    const [queries, database] = [memoryVectors(clustered(333, 7), columns), memoryVectors(clustered(800, 8), columns)];
    const options = { engine, method, k: 6, threshold: 0.4, partitions: 20, recall: 0.9, scratch: join(scratch, `shards-${method}`) } as const;
    const whole = await joinNeighbours(queries, database, options);
    const paths: string[] = [];
    let sampledEdges = 0;
    for (let index = 0; index < 3; index++) {
      const part = await joinNeighbours(queries, database, { ...options, shard: { index, of: 3 } });
      expect(part.probes).toBe(whole.probes);
      sampledEdges += part.sampledEdges;
      paths.push(join(scratch, `${method}-${index}`));
      await writeEdges(paths[index]!, part.edges());
      await part.close();
    }
    // Every query is in the sample, being few.
    expect(sampledEdges).toBe(whole.sampledEdges);
    expect(await all(readEdges(...paths))).toEqual(await all(whole.edges()));
    await whole.close();
  });

  it.each([
    ['a NaN in the database', (_: Float32Array, database: Float32Array) => database.fill(NaN, 30 * columns, 30 * columns + 1), /row 30 of database is not finite/],
    ['an infinity in the queries', (queries: Float32Array) => queries.fill(-Infinity, 7 * columns, 7 * columns + 1), /row 7 of queries is not finite/],
    ['a row of zeros', (_: Float32Array, database: Float32Array) => database.fill(0, 9 * columns, 10 * columns), /row 9 of database is all zeros/],
  ])('refuses %s', async (_, damage, message) => {
    const [queries, database] = [clustered(20, 9), clustered(50, 10)];
    damage(queries, database);
    const folder = join(scratch, 'damaged');
    const failure = joinNeighbours(memoryVectors(queries, columns), memoryVectors(database, columns), { engine, method, scratch: folder, partitions: 2 });
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toBeInstanceOf(CurationError);
    expect(unfinished(folder)).toEqual([]);
  });

  it('reports its progress, and stops when it is told to', async () => {
    const vectors = memoryVectors(clustered(3000, 11), columns);
    const seen: JoinProgress[] = [];
    await joined(vectors, vectors, { method, queryRows: 1000, onProgress: (progress) => void seen.push(progress) });
    const stages = [...new Set(seen.map(({ stage }) => stage))];
    expect(stages).toEqual(method === 'exact' ? ['join'] : ['index', 'check', 'join']);
    for (const stage of stages) {
      const last = seen.filter((progress) => progress.stage === stage).at(-1)!;
      expect([last.done, last.total, last.secondsLeft]).toEqual([3000, 3000, 0]);
      expect(last.rowsPerSecond).toBeGreaterThan(0);
    }
    const folder = join(scratch, `stopped-${method}`);
    const controller = new AbortController();
    const stopped = joinNeighbours(vectors, vectors, {
      engine, method, queryRows: 1000, scratch: folder, signal: controller.signal,
      onProgress: ({ stage }) => stage === 'join' && controller.abort(new Error('enough')),
    });
    await expect(stopped).rejects.toThrow('enough');
    expect(unfinished(folder)).toEqual([]);
  });
});

describe('join by partitions', () => {
  it.each([[undefined, undefined], [17, 100], [1, undefined], [200, 333]])(
    'of %s partitions, all probed, equals the exact one, %s queries at a time',
    async (partitions = 30, queryRows) => {
      const data = clustered(900, 4);
      const vectors = memoryVectors(data, columns);
      const options = { method: 'ivf', k: 10, threshold: 0.4, partitions, probes: partitions, queryRows } as const;
      const { edges, method, edgeRecall } = await joined(vectors, vectors, options);
      expectEdges(edges, bruteForce(data, data, 10, 0.4));
      expect([method, edgeRecall]).toEqual(['ivf', 1]);
    },
  );

  it.each([1, 2, 5])('says what share of edges %i probes find', async (probes) => {
    const data = clustered(1000, 12);
    const vectors = memoryVectors(data, columns);
    const { edges, edgeRecall, sampledEdges } = await joined(vectors, vectors, { method: 'ivf', partitions: 40, probes });
    // The sample is all of the thousand rows, so that the share is known exactly.
    const truth = pairs(bruteForce(data, data, 64, 0.6));
    const found = new Set(pairs(edges));
    const hits = truth.filter((pair) => found.has(pair)).length;
    expect(sampledEdges).toBe(truth.length);
    expect(edgeRecall).toBeCloseTo(hits / truth.length, 12);
    expect(edgeRecall).toBeLessThan(1);
    expect(found.size).toBe(hits);
  });

  it('finds the share that is asked for with few probes', async () => {
    const vectors = memoryVectors(clustered(4000, 13, 60), columns);
    const results = [];
    for (const recall of [0.7, 0.97, 1]) results.push(await joined(vectors, vectors, { method: 'ivf', partitions: 80, recall }));
    const [low, high, whole] = results as [(typeof results)[0], (typeof results)[0], (typeof results)[0]];
    // Chosen on one half of the rows, measured on another: two standard errors of 1024 queries' edges.
    expect(low.edgeRecall).toBeGreaterThan(0.68);
    expect(high.edgeRecall).toBeGreaterThan(0.96);
    expect(low.probes!).toBeLessThan(high.probes!);
    expect(high.probes!).toBeLessThan(80);
    expect([whole.probes, whole.edgeRecall]).toEqual([80, 1]);
  });

  it('keeps its ordered rows in the scratch folder for the next run of the same data only', async () => {
    const folder = join(scratch, 'kept');
    const [a, b] = [memoryVectors(clustered(600, 14), columns), memoryVectors(clustered(600, 15), columns)];
    const run = async (vectors: Vectors) => {
      const stages = new Set<string>();
      const { edges } = await joined(vectors, vectors, { method: 'ivf', scratch: folder, onProgress: ({ stage }) => void stages.add(stage) });
      return { edges, indexed: stages.has('index') };
    };
    const first = await run(a);
    expect(await run(a)).toEqual({ edges: first.edges, indexed: false });
    expect((await run(b)).indexed).toBe(true);
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it('leaves nothing in the temporary folder', async () => {
    const folder = mkdtempSync(join(scratch, 'temporary-'));
    vi.stubEnv('TMPDIR', folder);
    const vectors = memoryVectors(clustered(300, 16), columns);
    const result = await joinNeighbours(vectors, vectors, { engine, method: 'ivf' });
    expect(readdirSync(folder)).toHaveLength(1);
    await result.close();
    expect(readdirSync(folder)).toEqual([]);
    vi.unstubAllEnvs();
  });
});

describe('joinNeighbours', () => {
  it('equals brute force for any sizes, blocks and partitions', async () => {
    const problem = fc.record({
      queries: fc.integer({ min: 1, max: 90 }),
      rows: fc.integer({ min: 1, max: 200 }),
      self: fc.boolean(),
      k: fc.integer({ min: 1, max: 70 }),
      threshold: fc.double({ min: -0.5, max: 0.95, noNaN: true }),
      queryRows: fc.integer({ min: 20, max: 100 }),
      partitions: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
      seed: fc.nat(1000),
    });
    await fc.assert(
      fc.asyncProperty(problem, async ({ queries, rows, self, k, threshold, queryRows, partitions, seed }) => {
        const data = clustered(rows, seed);
        const asked = self ? data : clustered(queries, seed + 1);
        const database = memoryVectors(data, columns);
        const among = partitions && Math.min(partitions, rows);
        const method = among ? 'ivf' : 'exact';
        const options = { method, k, threshold, queryRows, partitions: among, probes: among, seed } as const;
        const { edges } = await joined(self ? database : memoryVectors(asked, columns), database, options);
        expectEdges(edges, bruteForce(asked, data, k, threshold));
      }),
      { numRuns: 12 },
    );
  });

  const vectors = memoryVectors(clustered(10, 17), columns);

  it.each<[Partial<JoinOptions>, RegExp]>([
    [{ k: 0 }, /k is 0/],
    [{ threshold: 1 }, /threshold is 1/],
    [{ threshold: NaN }, /threshold is NaN/],
    [{ recall: 0 }, /recall is 0/],
    [{ partitions: 11 }, /partitions is 11/],
    [{ partitions: 3, probes: 4 }, /probes is 4/],
    [{ shard: { index: 2, of: 2 } }, /shard/],
    [{ queryRows: 0.5 }, /queryRows is 0.5/],
  ])('refuses %o', async (options, message) => {
    const failure = joinNeighbours(vectors, vectors, { engine, ...options });
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toBeInstanceOf(CurationError);
  });

  it('refuses other columns and vectors without rows', async () => {
    await expect(joinNeighbours(vectors, memoryVectors(new Float32Array(50), 5), { engine })).rejects.toThrow(/24 columns .* 5/);
    await expect(joinNeighbours(vectors, memoryVectors(new Float32Array(0), columns), { engine })).rejects.toThrow(/0 rows/);
  });

  it('compares everything while that is soon done', async () => {
    expect((await joined(vectors, vectors, { method: 'auto' })).method).toBe('exact');
  });
});
