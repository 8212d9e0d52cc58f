import type { Preprocessing } from '@dinov2/augment';
import { pickEngine } from '@dinov2/app-kit';
import { type Backbone, createExtractor, type Extractor, type Outputs, pixelExtractor, randomBackbone } from '@dinov2/features';
import type { VitConfig } from '@dinov2/vit';
import { ProbeError } from '../error';
import type { FeatureOptions } from './common';
import type { NamedWeights } from './weights';

/** Something that features come from: weights, or a baseline that they have to beat. */
export interface Subject {
  readonly name: string;
  readonly kind: 'weights' | 'random weights' | 'raw pixels';
  readonly config: VitConfig;
  readonly preprocessing: Preprocessing;
  /** Make its features of images; the caller disposes the extractor. */
  open(outputs: Outputs): Promise<Extractor>;
}

/** The rows of a table: the weights and, if asked for, random weights of the same architecture and raw pixels. */
export function subjectsOf(
  weights: NamedWeights,
  options: FeatureOptions & { readonly baselines: boolean; readonly seed: number },
): Subject[] {
  const { config, parameters } = weights.pretrained;
  const preprocessing = sizedPreprocessing(weights, options);
  const backbone: Backbone = { config, parameters, preprocessing };
  const common = { config, preprocessing };
  const network = (kind: Subject['kind'], name: string, make: () => Backbone): Subject => ({
    ...common,
    name,
    kind,
    open: (outputs) => openNetwork(make(), outputs, options, name),
  });
  const own = network('weights', weights.name, () => backbone);
  if (!options.baselines) return [own];
  return [
    own,
    network('random weights', 'random weights', () => randomBackbone(backbone, options.seed)),
    { ...common, name: 'raw pixels', kind: 'raw pixels', open: async (outputs) => pixelExtractor(outputs, { patchSize: config.patchSize, preprocessing }) },
  ];
}

async function openNetwork(backbone: Backbone, outputs: Outputs, { engine, backend, workers }: FeatureOptions, name: string): Promise<Extractor> {
  // Without a wish for another engine, ONNX Runtime runs in a thread of its own for each core.
  if (engine !== 'eager' && backend === null) return createExtractor(backbone, outputs, { ...(workers !== undefined && { workers }), name });
  const picked = await pickEngine({ engine, backend });
  const extractor = await createExtractor(backbone, outputs, { engine: picked.engine, name });
  return {
    ...extractor,
    extract: (images) => extractor.extract(images),
    dispose: async () => {
      await extractor.dispose();
      await picked.engine.dispose();
    },
  };
}

/** The weights' own preprocessing, or with the size that was asked for. */
export function sizedPreprocessing({ path, pretrained }: NamedWeights, { size, resize, tight = false }: Pick<FeatureOptions, 'size' | 'resize' | 'tight'>): Preprocessing {
  const { preprocessing, config } = pretrained;
  if (size === undefined && resize === undefined && !tight) return preprocessing;
  const own = preprocessing.crop ?? ('shortestEdge' in preprocessing.resize ? undefined : preprocessing.resize);
  const side = size ?? own?.height;
  if (side === undefined) throw new ProbeError(`the preprocessing of ${path} keeps pictures of any size; pass --size too`);
  if (side % config.patchSize !== 0) {
    const lower = Math.max(1, Math.floor(side / config.patchSize)) * config.patchSize;
    throw new ProbeError(`--size ${side} is no multiple of the patches of ${config.patchSize} pixels of ${path}; pass ${lower} or ${lower + config.patchSize}`);
  }
  const ownEdge = 'shortestEdge' in preprocessing.resize ? preprocessing.resize.shortestEdge : preprocessing.resize.height;
  const edge = resize ?? (tight ? side : Math.round((side * ownEdge) / (own?.height ?? side)));
  if (edge < side) throw new ProbeError(`--resize ${edge} is less than the ${side} pixels that are kept; pass ${side} or more`);
  return { ...preprocessing, resize: { shortestEdge: edge }, crop: { height: side, width: side } };
}
