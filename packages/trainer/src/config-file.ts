import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { atomicWrite } from '@dinov2/weights';
import type { TrainerConfig } from './config';
import { configDifference } from './config-difference';
import { TrainerError } from './errors';

const path = (folder: string): string => join(folder, 'config.json');

const textOf = (config: TrainerConfig): string => `${JSON.stringify(config, null, 2)}\n`;

/** Write the configuration of a run into its folder. */
export function writeConfig(folder: string, config: TrainerConfig): Promise<void> {
  return atomicWrite(path(folder), (file) => file.writeFile(textOf(config)));
}

/**
 * Whether process `index` of several is about to train what the first one has written into the folder.
 *
 * @throws TrainerError if it sees another folder, or was started with another configuration: the processes would wait
 * for each other in different places.
 */
export async function checkConfig(folder: string, config: TrainerConfig, index: number): Promise<void> {
  const text = await readFile(path(folder), 'utf8').catch((cause: unknown) => {
    throw new TrainerError(`Process ${index} does not see in ${folder} what process 0 has written there; name a run folder on storage that all hosts see.`, { cause });
  });
  if (text === textOf(config)) return;
  const changes = configDifference(JSON.parse(text), config);
  const what = changes.length > 0 ? changes.join('; ') : 'how often it logs, saves or evaluates';
  throw new TrainerError(`Process ${index} differs from process 0 in ${what}; start all processes with the same command.`);
}
