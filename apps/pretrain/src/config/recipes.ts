import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PretrainError } from '../error';
import { fileLayer, type Layer } from './layer';
import type { ModelSize } from './schema';

// Beside both src/config and the built dist/: the folder that holds package.json.
function packageRoot(): string {
  let folder = fileURLToPath(new URL('.', import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = join(folder, '..');
  return folder;
}

const recipesFolder = join(packageRoot(), 'recipes');
export const sampleFolder = join(packageRoot(), 'sample');

/** Names of the shipped recipes. */
export function recipeNames(): string[] {
  return readdirSync(recipesFolder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
}

/** A shipped recipe by name, or a YAML file by path. */
export function configLayer(nameOrPath: string): Layer {
  if (recipeNames().includes(nameOrPath)) {
    return fileLayer(join(recipesFolder, `${nameOrPath}.yaml`), `recipes/${nameOrPath}.yaml`);
  }
  if (!existsSync(nameOrPath)) {
    throw new PretrainError(
      `no recipe and no file "${nameOrPath}"; recipes are ${recipeNames().join(', ')}, or pass the path of a YAML file`,
    );
  }
  return fileLayer(nameOrPath);
}

/** The recipe that `--model SIZE` stands for when no `--config` is given. */
export const recipeOfModel: Readonly<Record<ModelSize, string>> = {
  tiny: 'cpu-tiny',
  small: 'cpu-small',
  base: 'vitl16_short',
  large: 'vitl14',
  giant: 'vitg14',
};
