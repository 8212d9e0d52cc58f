import { availableParallelism } from 'node:os';
import type { Engine } from '@dinov2/jit';
import { checkParameters, parameterCount, parameterShapes } from '@dinov2/vit';
import { BackbonePool } from './backbone-pool';
import { checkImages } from './check-images';
import { checkOutputs } from './check-outputs';
import { CompiledBackbone } from './compiled-backbone';
import { backboneName, extractorKey, weightsKey } from './describe-backbone';
import { FeaturesError } from './error';
import { planPrograms, planWorkers } from './plan-workers';
import { sharedParameters } from './shared-parameters';
import type { Backbone, Extractor, Outputs } from './types';

export interface ExtractorOptions {
  /** An engine to run on in this thread; it stays the caller's. By default ONNX engines in worker threads. */
  readonly engine?: Engine;
  /**
   * Worker threads, where there is no `engine`. By default one per core, fewer for weights of which memory
   * does not hold as many copies; 1 has a single image computed by all cores, which is soonest done.
   */
  readonly workers?: number;
  /** How the network is called; by default its architecture. */
  readonly name?: string;
}

/**
 * Make an extractor of a frozen network. Programs are compiled when images of a new size come.
 *
 * @throws FeaturesError for outputs that the network does not have; VitError for parameters that are
 * not those of its configuration.
 *
 * @example
 * ```ts
 * const extractor = await createExtractor(await loadPretrained('dinov2-small'), { classTokens: 1, meanPatch: true });
 * const { classTokens, meanPatch } = await extractor.extract(images); // (B, 1, D), (B, D)
 * ```
 */
export async function createExtractor(backbone: Backbone, outputs: Outputs, options: ExtractorOptions = {}): Promise<Extractor> {
  const { config, parameters, preprocessing } = backbone;
  const shapes = parameterShapes(config);
  checkParameters(parameters, shapes);
  checkOutputs(outputs, config.depth);
  const { engine, workers: wanted, name = backboneName(config) } = options;
  if (wanted !== undefined && (!Number.isInteger(wanted) || wanted < 1)) {
    throw new FeaturesError(`${wanted} workers; pass a whole number from 1`);
  }
  const start = async () => {
    const [weights, memory] = [4 * parameterCount(shapes), process.availableMemory()];
    if (engine !== undefined) return new CompiledBackbone(engine, config, parameters, outputs, planPrograms(weights, memory));
    const { workers, ...plan } = planWorkers(availableParallelism(), weights, memory, wanted);
    return BackbonePool.start(workers, { config, parameters: sharedParameters(parameters), outputs, ...plan });
  };
  const starting = start();
  const weights = weightsKey(backbone);
  const runner = await starting;
  return {
    name,
    key: extractorKey(weights, outputs),
    weightsKey: weights,
    embedDim: config.embedDim,
    patchSize: config.patchSize,
    outputs,
    preprocessing,
    async extract(images) {
      checkImages(images, config.patchSize);
      return runner.run(images);
    },
    dispose: async () => runner.close(),
  };
}
