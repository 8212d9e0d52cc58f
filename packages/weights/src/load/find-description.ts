import { basename, join } from 'node:path';
import type { WeightsFile } from '../files/weights-file';
import { type ConfigDescription, describeConfig } from '../layouts/describe-config';
import { parseMetadata, readJsonFile } from './json-files';

/** The configuration in a file's metadata, else that in its folder: a model's, or a checkpoint's of a run. */
export async function findDescription(file: WeightsFile, folder: string): Promise<ConfigDescription | undefined> {
  const own = describeConfig(`the metadata of ${basename(file.path)}`, parseMetadata(file.metadata.model));
  if (own !== undefined) return own;
  for (const name of ['config.json', 'manifest.json']) {
    const description = describeConfig(name, await readJsonFile(join(folder, name)));
    if (description !== undefined) return description;
  }
  return undefined;
}
