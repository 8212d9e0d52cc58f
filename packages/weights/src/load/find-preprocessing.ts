import { join } from 'node:path';
import type { Preprocessing } from '@dinov2/augment';
import type { WeightsFile } from '../files/weights-file';
import { choosePreprocessing } from '../layouts/choose-preprocessing';
import type { ConfigDescription } from '../layouts/describe-config';
import { fromPreprocessorConfig } from '../layouts/hugging-face-preprocessing';
import { isPreprocessing } from '../layouts/is-preprocessing';
import type { Match } from '../layouts/match';
import { parseMetadata, readJsonFile } from './json-files';

const besides = 'preprocessor_config.json';

/** What a file's metadata, its folder or its configuration says of preprocessing, else the preset of its program. */
export async function findPreprocessing(
  file: WeightsFile,
  folder: string,
  { layout, config, accounted }: Match,
  description: ConfigDescription | undefined,
): Promise<{ preprocessing: Preprocessing; source: string }> {
  const own = parseMetadata(file.metadata.preprocessing);
  if (isPreprocessing(own)) return { preprocessing: own, source: 'from its metadata' };

  const json = await readJsonFile(join(folder, besides));
  const read = json === undefined ? description?.preprocessing : fromPreprocessorConfig(json);
  const from = json === undefined ? description?.source : besides;
  if (read !== undefined && 'preprocessing' in read) return { preprocessing: read.preprocessing, source: `from ${from}` };

  // Released models with this norm: the 7B ones, and of those of width 1024 the satellite model alone.
  const localNorm = accounted.ignored.some((name) => name.startsWith('local_cls_norm.'));
  const preprocessing = choosePreprocessing(layout, config, {
    satellite: file.path.includes('sat493m') || (localNorm && config.embedDim === 1024),
    ownSize: description?.writer === 'dinov2-ts',
  });
  const why = read === undefined ? '' : `; ${from} says ${read.unsupported}, which is not supported`;
  return { preprocessing, source: `as ${layout.title}${why}` };
}
