import type { MultiCropRecipe } from '@dinov2/augment';
import type { HeadConfig, VitConfig } from '@dinov2/vit';

/** Sizes of a projection head. */
export type HeadSizes = Omit<HeadConfig, 'inputDim'>;

export interface DinoConfig {
  readonly lossWeight: number;
  /** Weight of KoLeo for each of the two global crops; 0 leaves it out. */
  readonly koleoWeight: number;
  readonly head: HeadSizes;
}

export interface IbotConfig {
  readonly lossWeight: number;
  /** Whether masked patches have a head of their own, `head`; else they go through the DINO head. */
  readonly separateHead: boolean;
  readonly head: HeadSizes;
  /** Share of the global crops that are masked. */
  readonly maskProbability: number;
  /** Smallest and largest share of patches masked in a masked crop. */
  readonly maskRatio: readonly [number, number];
}

export interface OptimizerConfig {
  /** Learning rate for 1024 images per step; scaled by √(images per step / 1024). */
  readonly baseLearningRate: number;
  /** Reached at the end; not scaled. */
  readonly minLearningRate: number;
  readonly warmupIterations: number;
  /** Iterations in which the prototype layers keep still. */
  readonly freezeLastLayerIterations: number;
  /**
   * Iterations in which the whole backbone keeps still while heads learn on it, for runs that begin
   * with trained weights. Its learning rate then warms up once more. 0 by default.
   */
  readonly freezeBackboneIterations?: number;
  readonly weightDecay: number;
  readonly weightDecayEnd: number;
  /** Largest gradient norm of each submodule (backbone, DINO head, iBOT head). */
  readonly clipGradient: number;
  /** Factor on the learning rate per block of distance from the output. */
  readonly layerwiseDecay: number;
  readonly patchEmbedMultiplier: number;
  readonly beta1: number;
  readonly beta2: number;
}

export interface TeacherConfig {
  readonly momentum: number;
  readonly momentumEnd: number;
  readonly warmupTemperature: number;
  readonly temperature: number;
  readonly temperatureWarmupIterations: number;
}

/** Everything that fixes what a run computes, and how often it reports and saves. */
export interface TrainerConfig {
  /** Source of all randomness, with the iteration and the sample. */
  readonly seed: number;
  /**
   * Name of the weights that the run began with, absent for drawn ones. Nothing is read from it: a
   * resumed run is compared by it.
   */
  readonly init?: string;
  /** Length of the run in optimizer steps. */
  readonly iterations: number;
  /** Images per shard of a compiled step: on several devices, of one of them. */
  readonly batchSize: number;
  /**
   * Batches that one compiled step takes, each with masks, dropped rows and KoLeo of its own; Sinkhorn-Knopp balances
   * over all of them, gradients are averaged. A multiple of the devices, of which each takes as many. 1 by default.
   */
  readonly shards?: number;
  /** Compiled steps whose gradients are averaged into one optimizer step. */
  readonly accumulationSteps: number;
  readonly model: VitConfig;
  /** Share of rows that each residual branch skips; `uniform` for all blocks, else rising linearly from 0. */
  readonly dropPath: { readonly rate: number; readonly uniform: boolean };
  readonly crops: MultiCropRecipe;
  readonly dino: DinoConfig;
  readonly ibot: IbotConfig;
  /** How teacher outputs become targets. */
  readonly centering: 'sinkhorn_knopp' | 'centering';
  readonly optimizer: OptimizerConfig;
  readonly teacher: TeacherConfig;
  /** Iterations between log lines. */
  readonly logEvery: number;
  /** Iterations between checkpoints, and how many are kept. */
  readonly checkpointEvery: number;
  readonly keepCheckpoints: number;
  /** Iterations between calls of `onEvaluate`; 0 for none. */
  readonly evaluateEvery: number;
}

/** Images that one optimizer step learns from. */
export const imagesPerStep = ({ batchSize, shards = 1, accumulationSteps }: Pick<TrainerConfig, 'batchSize' | 'shards' | 'accumulationSteps'>): number =>
  batchSize * shards * accumulationSteps;
