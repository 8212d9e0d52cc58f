import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CurationError } from '../../error';
import { runFiles } from '../../plan/run-files';

/** Where runs go by default. */
const runsFolder = 'curated';

/**
 * A run that was named, else the one below `curated` that was worked on last.
 *
 * @throws CurationError when there is none.
 */
export function findRun(named?: string): string {
  if (named !== undefined) {
    if (!existsSync(join(named, runFiles.images))) throw new CurationError(`no run with ${runFiles.images} in ${named}; pass a folder that \`dinov2-curate run\` wrote`);
    return named;
  }
  const runs = (existsSync(runsFolder) ? readdirSync(runsFolder) : []).flatMap((name) => {
    const folder = join(runsFolder, name);
    const stats = statSync(join(folder, runFiles.images), { throwIfNoEntry: false });
    return stats === undefined ? [] : [{ folder, modified: stats.mtimeMs }];
  });
  const newest = runs.sort((a, b) => b.modified - a.modified)[0];
  if (newest === undefined) throw new CurationError(`no run below ${runsFolder}; pass --run DIR, or make one with \`dinov2-curate run pictures\``);
  return newest.folder;
}
