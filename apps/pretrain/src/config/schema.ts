import { backendChoices, engineChoices, precisionChoices } from '@dinov2/app-kit';
import { z } from 'zod';

const count = z.number().int().min(0);
const positiveCount = z.number().int().min(1);
const share = z.number().min(0).max(1);
/** At 1 the quantity would be divided by nothing. */
const shareBelowOne = z.number().min(0).lt(1);
const positive = z.number().gt(0);
const rising = z.tuple([positive, positive]).refine(([low, high]) => low <= high, 'expected [low, high] with low <= high');
const range = z.tuple([positive, z.number().max(1)]).refine(([low, high]) => low <= high, 'expected [low, high] with low <= high');

/** Sizes of network by name. */
export const modelSizes = ['tiny', 'small', 'base', 'large', 'giant'] as const;
export type ModelSize = (typeof modelSizes)[number];

const head = (prototypes: number) =>
  z
    .strictObject({
      prototypes: positiveCount.default(prototypes),
      hiddenDim: positiveCount.default(2048),
      bottleneckDim: positiveCount.default(256),
      layers: positiveCount.default(3),
    })
    .prefault({});

/**
 * A whole run. Defaults are those of the official `ssl_default_config`; a recipe says what differs.
 * Iterations are optimizer steps: the official configuration counts "epochs" of 1250 of them.
 */
export const settingsSchema = z.strictObject({
  /** Folder or list of images to learn from. */
  data: z.string().nullable().default(null),
  /** Folder with `train/<label>/` and `heldout/<label>/` for k-NN. */
  eval: z.string().nullable().default(null),
  /** Folder of pictures for the report's patch features and attention; held-out pictures by default. */
  pictures: z.string().nullable().default(null),
  /**
   * Weights to start from, a file or folder that `loadPretrained` of `@dinov2/weights` reads; null draws
   * them. What the model is then follows from them.
   */
  init: z.string().nullable().default(null),
  /** Take the heads of `init` too, where it has some. */
  initHeads: z.boolean().default(true),
  /** Run folder. */
  out: z.string().nullable().default(null),
  engine: z.enum(engineChoices).default('auto'),
  /** TensorFlow.js backend of the eager engine. */
  backend: z.enum(backendChoices).nullable().default(null),
  /** PJRT plugin of the engine `xla`; null looks for one. */
  plugin: z.string().nullable().default(null),
  /** Devices of the engine `xla`: the batch is split over all, the state over `fsdp`. null is all of them along `fsdp`. */
  mesh: z.strictObject({ data: positiveCount, fsdp: positiveCount }).nullable().default(null),
  /** Number format of products and activations; auto is bfloat16 on accelerators, else float32. */
  precision: z.enum(precisionChoices).default('auto'),
  /** Batches of `batchSize` images that a compiled step takes; null is one per device. */
  shards: positiveCount.nullable().default(null),
  /** Turn pictures as their EXIF orientation says. Off as in the reference, which ignores it. */
  autoOrient: z.boolean().default(false),
  /** Decoding threads; null is one per core. */
  workers: positiveCount.nullable().default(null),
  seed: count.default(0),

  iterations: positiveCount.default(125_000),
  batchSize: positiveCount.default(64),
  accumulationSteps: positiveCount.default(1),

  model: z
    .strictObject({
      /** null only with `init`, for weights of a width that has no name. */
      size: z.enum(modelSizes).nullable().default('large'),
      patchSize: positiveCount.default(16),
      registers: count.default(0),
      layerScale: z.number().min(0).default(1e-5),
      /** Blocks; null is the number of the named size. */
      depth: positiveCount.nullable().default(null),
      /** Feed-forward layer; null is that of the named size. */
      ffn: z.enum(['mlp', 'swiglu']).nullable().default(null),
      /**
       * How position embeddings are resized for local crops. DINOv2 trains with an offset and without
       * antialiasing, with registers too; only the released register models are the other way round.
       */
      interpolation: z
        .strictObject({ offset: z.number().min(0).default(0.1), antialias: z.boolean().default(false) })
        .prefault({}),
    })
    .prefault({}),
  dropPath: z.strictObject({ rate: shareBelowOne.default(0.3), uniform: z.boolean().default(true) }).prefault({}),
  crops: z
    .strictObject({
      globalSize: positiveCount.default(224),
      localSize: positiveCount.default(96),
      localCount: count.default(8),
      globalScale: range.default([0.32, 1]),
      localScale: range.default([0.05, 0.32]),
      /** Width over height before a crop is made square. */
      ratio: rising.default([3 / 4, 4 / 3]),
      horizontalFlip: share.default(0.5),
      colorJitter: share.default(0.8),
      brightness: share.default(0.4),
      contrast: share.default(0.4),
      saturation: share.default(0.2),
      hue: z.number().min(0).max(0.5).default(0.1),
      grayscale: share.default(0.2),
      /**
       * Probability of blur for the first global, the second global and each local crop. The default is
       * what the released models were trained with; the papers state [1, 0.1, 0.5].
       */
      blur: z.tuple([share, share, share]).default([0, 0.9, 0.5]),
      blurSigma: rising.default([0.1, 2]),
      solarize: share.default(0.2),
    })
    .prefault({}),
  dino: z
    .strictObject({
      lossWeight: z.number().min(0).default(1),
      koleoWeight: z.number().min(0).default(0.1),
      head: head(65_536),
    })
    .prefault({}),
  ibot: z
    .strictObject({
      lossWeight: z.number().min(0).default(1),
      separateHead: z.boolean().default(false),
      head: head(65_536),
      maskProbability: share.default(0.5),
      maskRatio: range.default([0.1, 0.5]),
    })
    .prefault({}),
  centering: z.enum(['sinkhorn_knopp', 'centering']).default('centering'),
  optimizer: z
    .strictObject({
      /** For 1024 images per step; scaled by √(images per step / 1024). */
      baseLearningRate: positive.default(4e-3),
      minLearningRate: z.number().min(0).default(1e-6),
      warmupIterations: count.default(12_500),
      freezeLastLayerIterations: count.default(1250),
      /**
       * Iterations in which heads learn on a backbone that keeps still; null is as long as the warm-up
       * for weights without heads, else 0.
       */
      freezeBackboneIterations: count.nullable().default(null),
      weightDecay: z.number().min(0).default(0.04),
      weightDecayEnd: z.number().min(0).default(0.4),
      clipGradient: positive.default(3),
      layerwiseDecay: positive.max(1).default(0.9),
      patchEmbedMultiplier: positive.default(0.2),
      beta1: shareBelowOne.default(0.9),
      beta2: shareBelowOne.default(0.999),
    })
    .prefault({}),
  teacher: z
    .strictObject({
      momentum: share.default(0.992),
      momentumEnd: share.default(1),
      warmupTemperature: positive.default(0.04),
      temperature: positive.default(0.07),
      temperatureWarmupIterations: count.default(37_500),
    })
    .prefault({}),

  logEvery: positiveCount.default(10),
  checkpointEvery: positiveCount.default(3750),
  keepCheckpoints: positiveCount.default(3),
  /** Iterations between k-NN evaluations; 0 for none but the first and the last. */
  evaluateEvery: count.default(12_500),
  knn: z
    .strictObject({
      k: z.array(positiveCount).min(1).default([10, 20, 100, 200]),
      temperature: positive.default(0.07),
      /** Images are scaled to this shorter side; null is 256/224 of the crop. */
      resize: positiveCount.nullable().default(null),
      /** Side of the central square that is looked at; null is `crops.globalSize`. */
      crop: positiveCount.nullable().default(null),
    })
    .prefault({}),
});

/** A validated run, every key filled in. */
export type Settings = z.infer<typeof settingsSchema>;
