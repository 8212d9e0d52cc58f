import { onnxEngine } from '@dinov2/engine-onnx';
import type { Engine } from '@dinov2/jit';
import { checkParameters, parameterShapes } from '@dinov2/vit';
import { checkImages } from './check-images';
import { checkOutputs } from './check-outputs';
import { CompiledBackbone } from './compiled-backbone';
import { backboneName, extractorKey } from './describe-backbone';
import type { Backbone, Extractor, Outputs } from './types';

export interface ExtractorOptions {
  /** An engine to run on in this thread; it stays the caller's. By default, one engine per core in worker threads. */
  readonly engine?: Engine;
  /** Worker threads, without `engine`; by default one per core, fewer for weights that memory does not hold as often. */
  readonly workers?: number;
  /** How the network is called; by default its architecture. */
  readonly name?: string;
}

/**
 * Make an extractor of a frozen network.
 *
 * @throws FeaturesError for outputs that the network does not have.
 */
export async function createExtractor(backbone: Backbone, outputs: Outputs, options: ExtractorOptions = {}): Promise<Extractor> {
  const { config, parameters, preprocessing } = backbone;
  checkParameters(parameters, parameterShapes(config));
  checkOutputs(outputs, config.depth);
  const engine = options.engine ?? onnxEngine();
  const compiled = new CompiledBackbone(engine, config, parameters, outputs);
  return {
    name: options.name ?? backboneName(config),
    key: extractorKey(backbone, outputs),
    embedDim: config.embedDim,
    patchSize: config.patchSize,
    outputs,
    preprocessing,
    async extract(images) {
      checkImages(images, config.patchSize);
      return compiled.run(images);
    },
    async dispose() {
      compiled.dispose();
      if (options.engine === undefined) await engine.dispose();
    },
  };
}
