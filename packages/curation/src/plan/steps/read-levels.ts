import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readFlatNpy } from '../../hierarchy/flat-npy';
import { groupMembers, type Hierarchy, type Level } from '../../hierarchy/hierarchy';
import { openNpy } from '../../vectors/open-npy';

/** The hierarchy in a folder that `hierarchicalKmeans` wrote. */
export async function readLevels(folder: string): Promise<Hierarchy> {
  const names = (await readdir(folder)).filter((name) => /^level-\d+$/.test(name)).sort((a, b) => Number(a.slice(6)) - Number(b.slice(6)));
  const levels: Level[] = [];
  let columns = 0;
  for (const name of names) {
    const path = (file: string) => join(folder, name, `${file}.npy`);
    const file = await openNpy(path('centroids'));
    try {
      columns = file.columns;
      levels.push({
        centroids: await file.read(0, file.rows),
        clusters: await readFlatNpy(path('clusters'), 'uint32'),
        similarity: await readFlatNpy(path('similarity'), 'float32'),
        offsets: await readFlatNpy(path('offsets'), 'uint32'),
        members: await readFlatNpy(path('members'), 'uint32'),
        inertia: 0,
        iterations: 0,
      });
    } finally {
      await file.close();
    }
  }
  return { rows: levels[0]!.clusters.length, columns, metric: 'cosine', levels };
}

/** The same clusters, of some of the rows. */
export function ofRows(hierarchy: Hierarchy, rows: Uint32Array): Hierarchy {
  const [finest, ...above] = hierarchy.levels as [Level, ...Level[]];
  if (rows.length === hierarchy.rows) return hierarchy;
  const clusters = rows.map((row) => finest.clusters[row]!);
  const similarity = Float32Array.from(rows, (row) => finest.similarity[row]!);
  return { ...hierarchy, rows: rows.length, levels: [{ ...finest, clusters, similarity, ...groupMembers(clusters, similarity, finest.offsets.length - 1) }, ...above] };
}
