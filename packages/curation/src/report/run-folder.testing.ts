import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readTruth } from '../heap';
import { writeTable } from '../tables';

/** A run over a heap's files, with decisions made up of its truth, as the steps of a plan write them. */
export async function writeRunFolder(heap: string, run: string): Promise<{ labels: string; ids: Readonly<Record<string, number>> }> {
  const all = await readTruth(heap);
  const heldOut = all.filter(({ path }) => path.startsWith('evaluation/heldout/'));
  const pool = all.filter(({ kind }) => kind !== 'evaluation' && kind !== 'broken');
  const broken = all.filter(({ kind }) => kind === 'broken');
  const images = [...pool, ...heldOut];
  const ids = Object.fromEntries(images.map(({ path }, id) => [path, id]));
  await mkdir(join(run, 'embeddings', 'heap'), { recursive: true });
  await writeFile(join(run, 'plan.yaml'), 'sources: heap\n# <script>alert(1)</script>\n');
  const empty = { type: 'int64' as const, values: images.map(() => null) };
  await writeTable(join(run, 'images.parquet'), {
    id: Uint32Array.from(images, (_, id) => id),
    path: images.map(({ path }) => join(heap, path)),
    offset: empty,
    length: empty,
    width: Uint32Array.from(images, ({ width }) => width),
    height: Uint32Array.from(images, ({ height }) => height),
  });
  await writeTable(join(run, 'embeddings', 'heap', 'failed.parquet'), { path: broken.map(({ path }) => path), reason: broken.map(({ variety }) => `it is ${variety}`) });

  let current = pool.map((_, id) => id);
  const results: { step: string; in: number; kept: number }[] = [];
  const step = async (name: string, kind: string, decide: (id: number) => Partial<Decision>, facts = {}, files: Record<string, Parameters<typeof writeTable>[1]> = {}) => {
    const label = `${String(results.length + 1).padStart(2, '0')}-${name}`;
    const folder = join(run, 'steps', label);
    await mkdir(folder, { recursive: true });
    const rows = current.map((id): Decision => ({ id, keep: true, reason: 'kept', relatedId: null, similarity: null, component: null, ...decide(id) }));
    await writeTable(join(folder, 'decisions.parquet'), {
      id: Uint32Array.from(rows, ({ id }) => id),
      keep: { type: 'boolean', values: rows.map(({ keep }) => keep) },
      reason: rows.map(({ reason }) => reason),
      relatedId: { type: 'uint32', values: rows.map(({ relatedId }) => relatedId) },
      similarity: { type: 'float32', values: rows.map(({ similarity }) => similarity) },
      component: { type: 'uint32', values: rows.map(({ component }) => component) },
      times: Uint16Array.from(rows, ({ keep }) => Number(keep)),
    });
    for (const [file, columns] of Object.entries(files)) await writeTable(join(folder, file), columns);
    const kept = rows.filter(({ keep }) => keep).length;
    const reasons: Record<string, number> = {};
    for (const { reason } of rows) reasons[reason] = (reasons[reason] ?? 0) + 1;
    const counts = { in: rows.length, kept, dropped: rows.length - kept, taken: kept };
    await writeFile(join(folder, 'result.json'), JSON.stringify({ version: 1, step: label, name, kind, key: '', settings: {}, ...counts, seconds: 1.5, sources: [{ name: 'heap', ...counts }], reasons, facts }));
    results.push({ step: label, in: rows.length, kept });
    current = rows.filter(({ keep }) => keep).map(({ id }) => id);
  };

  const first = (id: number) => ids[images[id]!.of] ?? id;
  const rootOf = (id: number) => (first(id) < pool.length ? first(id) : id);
  const sizes = new Map<number, number>();
  for (const id of current) sizes.set(rootOf(id), (sizes.get(rootOf(id)) ?? 0) + 1);
  const ofGroup = (id: number, exact: boolean) => {
    const root = rootOf(id);
    if (root === id || (images[id]!.variety === 'exact') !== exact) return sizes.get(id)! > 1 ? { component: id, reason: 'representative' } : {};
    return { keep: false, reason: exact ? 'contentDuplicate' : 'duplicate', relatedId: root, component: root, ...(!exact && { similarity: 0.6 + (id % 40) / 100 }) };
  };
  await step('filter', 'filter', (id) => (images[id]!.kind === 'junk' ? { keep: false, reason: images[id]!.variety } : {}));
  await step('exact', 'exact', (id) => ofGroup(id, true));
  const pairs = current.filter((id) => images[id]!.kind === 'copy' || id % 7 === 0).map((id) => ({ from: id, to: images[id]!.kind === 'copy' ? first(id) : (id + 3) % pool.length, similarity: 0.45 + (id % 50) / 100 }));
  await step(
    'selfDeduplicate',
    'selfDeduplicate',
    (id) => ofGroup(id, false),
    { threshold: 0.6, method: 'exact', edgeRecall: 1, sweep: [0.5, 0.6, 0.7, 0.8].map((threshold, i) => ({ threshold, components: 10 - i, removed: 40 - 9 * i })) },
    { 'edges.parquet': { from: Uint32Array.from(pairs, ({ from }) => from), to: Uint32Array.from(pairs, ({ to }) => to), similarity: Float32Array.from(pairs, ({ similarity }) => similarity) } },
  );
  await step('relativeDeduplicate', 'relativeDeduplicate', (id) => (images[id]!.of.startsWith('evaluation') ? { keep: false, reason: 'heldOut', relatedId: first(id), similarity: 0.9 } : {}), { threshold: 0.45, removedDirect: 4, removedComponent: 4 });
  const clustered = [...current];
  const clusterOf = new Map([...new Set(clustered.map((id) => images[id]!.concept))].map((concept, i) => [concept, i]));
  await step('cluster', 'cluster', () => ({ reason: 'clustered' }), {}, {
    'clusters.parquet': {
      id: Uint32Array.from(clustered),
      level1: Uint32Array.from(clustered, (id) => id),
      level2: Uint32Array.from(clustered, (id) => clusterOf.get(images[id]!.concept)!),
      similarity: Float32Array.from(clustered, (id) => 1 / (1 + id)),
    },
  });
  const taken = new Map<string, number>();
  await step('balance', 'balance', (id) => {
    const { concept } = images[id]!;
    taken.set(concept, (taken.get(concept) ?? 0) + 1);
    return taken.get(concept)! <= 4 ? { reason: 'sampled' } : { keep: false, reason: 'notSampled' };
  });

  const names = [...new Set(pool.map(({ source }) => source))];
  const sources = names.map((name, i) => {
    const share = (value: number) => Math.floor(value / names.length) + (i < value % names.length ? 1 : 0);
    return { name, found: share(pool.length + broken.length), unreadable: share(broken.length), images: share(pool.length), after: Object.fromEntries(results.map((result) => [result.step, share(result.kept)])), final: share(current.length) };
  });
  await writeFile(
    join(run, 'result.json'),
    JSON.stringify({
      version: 1,
      plan: {},
      embedding: { name: 'pixels <b>', columns: 8, precision: 'float16', warning: 'made up' },
      sets: [{ name: 'heap', role: 'source', path: heap, found: pool.length + broken.length, unreadable: broken.length, images: pool.length, final: current.length }],
      steps: results.map((result) => result.step),
      sources,
      queries: [{ name: 'flowers', images: 12, mode: 'cluster', retrieved: 40, clusters: 4, final: 30 }],
      manifest: { images: current.length, rows: current.length },
    }),
  );
  return { labels: join(heap, 'truth.csv'), ids };
}

interface Decision {
  readonly id: number;
  readonly keep: boolean;
  readonly reason: string;
  readonly relatedId: number | null;
  readonly similarity: number | null;
  readonly component: number | null;
}
