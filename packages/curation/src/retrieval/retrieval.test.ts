import { onnxEngine } from '@dinov2/engine-onnx';
import { createRandom } from '@dinov2/primitives';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { kmeans } from '../kmeans/kmeans';
import { memoryVectors } from '../vectors/memory-vectors';
import { retrieveByCluster, takeFromClusters } from './retrieve-by-cluster';
import { retrieveBySample } from './retrieve-by-sample';

const engine = onnxEngine();
afterAll(() => engine.dispose());

const random = createRandom(6);
const normal = (rows: number, columns: number) => Float32Array.from({ length: rows * columns }, () => random.normal());

/** Pool rows of each query, the nearest first, by plain arithmetic. */
function ranked(queries: Float32Array, pool: Float32Array, columns: number): number[][] {
  const cosine = (q: number, p: number) => {
    let [dot, square] = [0, 0];
    for (let i = 0; i < columns; i++) {
      dot += queries[q * columns + i]! * pool[p * columns + i]!;
      square += pool[p * columns + i]! ** 2;
    }
    return dot / Math.sqrt(square);
  };
  return Array.from({ length: queries.length / columns }, (_, q) => {
    const scores = Array.from({ length: pool.length / columns }, (_, p) => cosine(q, p));
    return [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!);
  });
}

describe('retrieveBySample', () => {
  const columns = 12;
  const [queries, pool] = [normal(50, columns), normal(400, columns)];
  const order = ranked(queries, pool, columns);
  const run = (k: number, collisions: 'keep' | 'unique' | 'refill', rows = pool) =>
    retrieveBySample(memoryVectors(queries, columns), memoryVectors(rows, columns), { k, collisions, engine });

  it('keeps k × queries rows, with multiplicity', async () => {
    const found = await run(4, 'keep');
    expect([...found.rows]).toEqual(order.flatMap((list) => list.slice(0, 4)));
    expect([...found.queries]).toEqual(order.flatMap((_, query) => new Array<number>(4).fill(query)));
    expect(found).toMatchObject({ shortfall: 0, edgeRecall: 1, distinct: new Set(found.rows).size });
    expect(found.distinct).toBeLessThan(200);
  });

  it('counts a row once, for the first query', async () => {
    const found = await run(4, 'unique');
    expect([...found.rows]).toEqual([...new Set(order.flatMap((list) => list.slice(0, 4)))]);
    expect(found.shortfall).toBe(200 - found.rows.length);
  });

  it.each([1, 4, 7])('refills until every query has %i of its own', async (k) => {
    const taken = new Set<number>();
    const expected = order.flatMap((list) => {
      const free = list.filter((row) => !taken.has(row)).slice(0, k);
      for (const row of free) taken.add(row);
      return free;
    });
    const found = await run(k, 'refill');
    expect([...found.rows]).toEqual(expected);
    expect(found).toMatchObject({ shortfall: 0, distinct: 50 * k });
  });

  it('says how many are missing when the pool runs out', async () => {
    const found = await run(9, 'refill');
    expect(found).toMatchObject({ distinct: 400, shortfall: 50 });
    expect(await run(500, 'keep')).toMatchObject({ distinct: 400, shortfall: 50 * 100 });
    await expect(run(0, 'keep')).rejects.toThrow('k is 0');
  });
});

describe('takeFromClusters', () => {
  /** Clusters that the queries are in: four in each of the first ones, three in as many after them. */
  const queriesIn = (clusters: number) => Uint32Array.from({ length: 7 * clusters }, (_, i) => (i < 4 * clusters ? i % clusters : clusters + ((i - 4 * clusters) % clusters)));

  // Oquab et al. 2023, table 15: query images, retrieved and final images in thousands.
  const table: [name: string, images: number, retrieved: number, final: number][] = [
    ['Caltech 101', 3_030, 2_630, 1_000],
    ['CUB-200-2011', 5_994, 1_300, 1_000],
    ['DTD', 1_880, 1_580, 1_000],
    ['FGVC-Aircraft', 3_334, 1_170, 1_000],
    ['Flowers-102', 1_020, 1_060, 1_000],
    ['Food-101', 75_750, 21_670, 1_000],
    ['Oxford-IIIT Pet', 3_680, 2_750, 1_000],
    ['Stanford Cars', 8_144, 7_220, 1_000],
    ['SUN397', 19_850, 18_950, 1_000],
    ['Pascal VOC 2007', 2_501, 1_010, 1_000],
    ['ADE20K', 20_210, 20_720, 1_000],
    ['Cityscapes', 2_975, 1_390, 1_000],
    // The table's 1,464 images cannot put four into 1,014 clusters: the retrieval used trainaug.
    ['Pascal VOC 2012', 10_582, 10_140, 1_000],
    ['KITTI', 23_158, 3_700, 1_000],
    ['NYU Depth V2', 24_231, 10_850, 1_000],
    ['SUN RGB-D', 4_829, 4_870, 1_000],
    ['AmsterTime, new', 1_231, 960, 960],
    ['AmsterTime, old', 1_231, 830, 830],
    ['Met', 397_121, 62_860, 1_000],
    ['Revisiting Oxford', 4_993, 3_680, 1_000],
    ['Revisiting Paris', 6_322, 3_660, 1_000],
  ];

  it.each(table)('counts as the paper, a thousandth of it: %s', (_name, images, retrieved, final) => {
    const clusters = retrieved / 10;
    // Four images in each of that many clusters, and the others one by one elsewhere.
    const queries = Uint32Array.from({ length: images }, (_, i) => (i < 4 * clusters ? i % clusters : i));
    // Every cluster of the pool holds 13 images.
    const pool = Uint32Array.from({ length: 2 * clusters * 13 }, (_, row) => row % (2 * clusters));
    const found = takeFromClusters(queries, pool, { perCluster: 10, cap: 1_000 });
    expect(found).toMatchObject({ qualifying: clusters, retrieved, shortfall: 0 });
    expect(new Set(found.rows).size).toBe(final);
    expect(Math.max(...new Set(found.clusters))).toBeLessThan(clusters);
  });

  it('takes 10,000 images of each cluster with more than three queries, and at most a million', () => {
    const pool = Uint32Array.from({ length: 202 * 10_001 }, (_, row) => row % 202);
    const found = takeFromClusters(queriesIn(101), pool);
    expect(found).toMatchObject({ qualifying: 101, retrieved: 1_010_000, shortfall: 0 });
    expect(found.rows.length).toBe(1_000_000);
  });

  it('takes all of a smaller cluster and reports what is missing', () => {
    const pool = Uint32Array.from([0, 0, 0, 1, 1, 2, 2, 2, 2, 2]);
    const found = takeFromClusters(Uint32Array.from([0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 5, 5, 5, 5]), pool, { perCluster: 4 });
    // Clusters 0, 2 and 5 have more than three queries; cluster 5 has no image.
    expect(found).toMatchObject({ qualifying: 3, retrieved: 7, shortfall: 5 });
    expect([...found.rows.slice(0, 3)]).toEqual([0, 1, 2]);
    expect(found.clusters).toEqual(found.rows.map((row) => pool[row]!));
  });

  it('keeps to its numbers whatever the clusters', () => {
    const clusters = fc.array(fc.nat(6), { maxLength: 60 });
    const rule = fc.record({ minQueries: fc.nat(5), perCluster: fc.nat(8), cap: fc.nat(30), seed: fc.nat(50) });
    fc.assert(
      fc.property(clusters, clusters, rule, (queries, pool, options) => {
        const found = takeFromClusters(Uint32Array.from(queries), Uint32Array.from(pool), options);
        const counts = new Map<number, number>();
        for (const cluster of queries) counts.set(cluster, (counts.get(cluster) ?? 0) + 1);
        const qualifying = [...counts].filter(([, count]) => count > options.minQueries).map(([cluster]) => cluster);
        const sizes = qualifying.map((cluster) => Math.min(options.perCluster, pool.filter((own) => own === cluster).length));
        const retrieved = sizes.reduce((sum, size) => sum + size, 0);
        expect(found).toMatchObject({ qualifying: qualifying.length, retrieved, shortfall: qualifying.length * options.perCluster - retrieved });
        expect(found.rows.length).toBe(Math.min(retrieved, options.cap));
        expect(new Set(found.rows).size).toBe(found.rows.length);
        for (const row of found.rows) expect(qualifying).toContain(pool[row]);
        expect(takeFromClusters(Uint32Array.from(queries), Uint32Array.from(pool), options)).toEqual(found);
      }),
    );
    expect(() => takeFromClusters(new Uint32Array(1), new Uint32Array(1), { cap: 0.5 })).toThrow('cap is 0.5');
  });
});

describe('retrieveByCluster', () => {
  it('finds the clusters of queries and pool', async () => {
    // Three directions; queries are near the first (five) and the second (three).
    const pool = memoryVectors(Float32Array.from({ length: 180 }, (_, i) => (i % 3 === Math.floor(i / 3) % 3 ? 1 : 0.1 * random.uniform())), 3);
    const queries = memoryVectors(Float32Array.from([5, 3].flatMap((count, axis) => Array.from({ length: count }, () => [0, 1, 2].map((i) => (i === axis ? 2 : 0.01)))).flat()), 3);
    const clustering = await kmeans(pool, { clusters: 3, engine });
    const found = await retrieveByCluster(queries, pool, clustering, { engine, perCluster: 15 });
    expect(found).toMatchObject({ qualifying: 1, retrieved: 15, shortfall: 0 });
    for (const row of found.rows) expect(row % 3).toBe(0);
    await expect(retrieveByCluster(queries, pool, clustering, { engine, poolClusters: new Uint32Array(2) })).rejects.toThrow('poolClusters has 2 clusters');
  });
});
