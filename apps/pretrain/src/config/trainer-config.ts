import { multiCropRecipe } from '@dinov2/augment';
import { type Engine, meshSize } from '@dinov2/jit';
import type { TrainerConfig } from '@dinov2/trainer';
import type { VitConfig } from '@dinov2/vit';
import { PretrainError } from '../error';
import { type Initialization, sizeConfig, sizeOf } from './initialization';
import type { ModelSize, Settings } from './schema';

/**
 * The backbone of a run, with a position table for its global crops.
 *
 * @param initialization - what the run begins with, if it begins with weights.
 */
export function modelConfig({ model, crops }: Settings, initialization?: Initialization): VitConfig {
  const { size, depth, ffn, patchSize, registers, layerScale, interpolation } = model;
  if (initialization !== undefined) return { ...initialization.model, interpolation, imageSize: crops.globalSize };
  if (size === null) throw new PretrainError('model.size is null, which says nothing without weights; name a size, or weights with --init');
  return sizeConfig(size, {
    patchSize,
    registers,
    layerScale,
    interpolation,
    imageSize: crops.globalSize,
    ...(depth !== null && { depth }),
    ...(ffn !== null && { ffn }),
  });
}

const letters: Readonly<Record<ModelSize, string>> = { tiny: 'Ti', small: 'S', base: 'B', large: 'L', giant: 'g' };

/** e.g. `ViT-Ti/14, 6 blocks`, or `ViT of width 100/14, 6 blocks` where the width has no name */
export function modelName(config: VitConfig): string {
  const size = sizeOf(config);
  const kind = size === null ? ` of width ${config.embedDim}` : `-${letters[size]}`;
  const blocks = size !== null && sizeConfig(size).depth === config.depth ? '' : `, ${config.depth} blocks`;
  const registers = config.registers > 0 ? `, ${config.registers} registers` : '';
  return `ViT${kind}/${config.patchSize}${blocks}${registers}`;
}

/**
 * What the trainer is to do.
 *
 * @param initialization - what the run begins with, if it begins with weights.
 * @throws PretrainError when settings do not go together, with what to change.
 */
export function trainerConfig(settings: Settings, initialization?: Initialization): TrainerConfig {
  checkTogether(settings);
  const { init, initHeads, seed, autoOrient, iterations, batchSize, shards, accumulationSteps, dropPath, crops, dino, ibot, centering, optimizer, teacher } = settings;
  const { logEvery, checkpointEvery, keepCheckpoints, evaluateEvery } = settings;
  const { freezeBackboneIterations, ...rates } = optimizer;
  return {
    seed,
    ...(init !== null && { init: initHeads ? init : `${init} without heads` }),
    iterations,
    batchSize,
    ...(shards !== null && { shards }),
    accumulationSteps,
    model: modelConfig(settings, initialization),
    dropPath,
    // The decoder turns pictures, not the recipe; named here so that a resumed run is compared by it.
    crops: { ...multiCropRecipe(crops), ...(autoOrient && { autoOrient }) },
    dino,
    ibot,
    centering,
    optimizer: { ...rates, ...(freezeBackboneIterations !== null && freezeBackboneIterations > 0 && { freezeBackboneIterations }) },
    teacher,
    logEvery,
    checkpointEvery,
    keepCheckpoints,
    evaluateEvery: settings.eval === null ? 0 : evaluateEvery,
  };
}

function checkTogether({ init, crops, model, dino, batchSize, optimizer, teacher, iterations, knn }: Settings): void {
  const problems: string[] = [];
  const { patchSize } = model;
  for (const name of ['globalSize', 'localSize'] as const) {
    const size = crops[name];
    if (name === 'localSize' && crops.localCount === 0) continue;
    if (size % patchSize !== 0) {
      const below = Math.floor(size / patchSize) * patchSize;
      const near = [below, below + patchSize].filter((value) => value > 0).join(' or ');
      problems.push(`crops.${name} ${size} is no multiple of model.patchSize ${patchSize}; use ${near}`);
    }
  }
  const crop = knn.crop ?? crops.globalSize;
  if (crop % patchSize !== 0) problems.push(`knn.crop ${crop} is no multiple of model.patchSize ${patchSize}; use ${Math.ceil(crop / patchSize) * patchSize}`);
  if (knn.resize !== null && knn.resize < crop) problems.push(`knn.resize ${knn.resize} is smaller than the square of ${crop} that is cut from it; raise it to ${crop} or more`);
  if (batchSize < 2 && dino.koleoWeight > 0) {
    problems.push('KoLeo compares the images of a batch, and batchSize is 1; raise batchSize to 2 or more, or set dino.koleoWeight=0');
  }
  for (const [name, value] of [
    ['optimizer.warmupIterations', optimizer.warmupIterations],
    ['optimizer.freezeLastLayerIterations', optimizer.freezeLastLayerIterations],
    ['optimizer.freezeBackboneIterations', optimizer.freezeBackboneIterations ?? 0],
    ['teacher.temperatureWarmupIterations', teacher.temperatureWarmupIterations],
  ] as const) {
    if (value > iterations) {
      problems.push(`${name} ${value} is longer than the run of ${iterations} iterations; lower it, or change the length with --steps, which scales it`);
    }
  }
  if (init === null && (optimizer.freezeBackboneIterations ?? 0) > 0) {
    problems.push(`optimizer.freezeBackboneIterations ${optimizer.freezeBackboneIterations} would keep random weights still; leave it out, or name weights with --init`);
  }
  if (teacher.momentum > teacher.momentumEnd) {
    problems.push(`teacher.momentum ${teacher.momentum} falls to teacher.momentumEnd ${teacher.momentumEnd}; it has to rise, usually to 1`);
  }
  if (problems.length > 0) throw new PretrainError(problems.join('\n'));
}

/**
 * The same run with a batch for each device, where its number of batches is left open. A run that goes on with fewer
 * devices keeps the batches that it began with.
 *
 * @param begun - batches of the run that is in the folder already.
 */
export function withShards<S extends Pick<Settings, 'shards'>>(settings: S, { mesh }: Pick<Engine, 'mesh'>, begun: number | null = null): S {
  if (settings.shards !== null) return settings;
  const devices = mesh === undefined ? 1 : meshSize(mesh);
  if (begun !== null && begun % devices === 0) return { ...settings, shards: begun };
  return devices === 1 ? settings : { ...settings, shards: devices };
}

/** The same run with another length: warm-ups and intervals keep their share of it. */
export function scaleLength(settings: Settings, iterations: number): Settings {
  const share = iterations / settings.iterations;
  const scale = (count: number, least = 0) => Math.min(iterations, Math.max(least, Math.round(count * share)));
  const { optimizer, teacher } = settings;
  return {
    ...settings,
    iterations,
    optimizer: {
      ...optimizer,
      warmupIterations: scale(optimizer.warmupIterations),
      freezeLastLayerIterations: scale(optimizer.freezeLastLayerIterations),
      freezeBackboneIterations: optimizer.freezeBackboneIterations === null ? null : scale(optimizer.freezeBackboneIterations),
    },
    teacher: { ...teacher, temperatureWarmupIterations: scale(teacher.temperatureWarmupIterations) },
    evaluateEvery: settings.evaluateEvery === 0 ? 0 : scale(settings.evaluateEvery, 1),
    checkpointEvery: scale(settings.checkpointEvery, 1),
  };
}
