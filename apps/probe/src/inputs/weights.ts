import { existsSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { runView } from '@dinov2/app-kit';
import { parameterCount, parameterShapes } from '@dinov2/vit';
import { loadPretrained, type Pretrained } from '@dinov2/weights';
import { ProbeError } from '../error';

/** Weights that were read, and what to call them. */
export interface NamedWeights {
  /** As the user named them. */
  readonly path: string;
  /** `sample` for `runs/sample`, `vits14` for `vits14.pth`. */
  readonly name: string;
  /** `ViT 6 × 192, 14-pixel patches` */
  readonly architecture: string;
  readonly parameters: number;
  readonly pretrained: Pretrained;
}

/** Read weights. */
export async function readWeights(path: string): Promise<NamedWeights> {
  if (!existsSync(path)) throw new ProbeError(`no weights at ${path}; check the path`);
  const loaded = await loadPretrained(path, { log: false });
  const pretrained = { ...loaded, preprocessing: runView(path, loaded.preprocessing) };
  const { embedDim, depth, heads, patchSize, registers, positions } = pretrained.config;
  return {
    path,
    name: weightsName(path),
    architecture: `ViT of ${depth} blocks, ${embedDim} wide, ${heads} heads, patches of ${patchSize}, ${registers} registers, ${positions === 'rope' ? 'rotary positions' : 'position table'}`,
    parameters: parameterCount(parameterShapes(pretrained.config)),
    pretrained,
  };
}

/** A run's name, else the file's; that of the folder where the file is called what they all are. */
export function weightsName(path: string): string {
  const full = resolve(path);
  const name = basename(full, extname(full));
  return ['model', 'backbone', 'pytorch_model', 'weights'].includes(name) ? basename(dirname(full)) : statSync(full).isDirectory() ? basename(full) : name;
}

/** Where results of these weights go by default: into the run they belong to, else to `results/`. */
export function defaultOut(path: string, command: string): string {
  return isRun(path) ? join(path, 'probe', command) : join('results', weightsName(path), command);
}

/** Whether it is the folder of a run of `dinov2-pretrain`. */
function isRun(path: string): boolean {
  return existsSync(join(path, 'settings.yaml'));
}
