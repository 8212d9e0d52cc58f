import type { DeviceArray, Engine, HostArray } from '@dinov2/jit';
import { createRandom } from '@dinov2/primitives';
import { type HeadConfig, initialize, initializeHead } from '@dinov2/vit';
import type { LazyTensor, SafetensorsFile } from '@dinov2/weights';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { HeadSizes, TrainerConfig } from './config';
import { TrainerError } from './errors';

/** A flat record per submodule, with the official names. The iBOT head is there only if it is separate. */
export type Submodules<T> = {
  readonly backbone: Readonly<Record<string, T>>;
  readonly dinoHead: Readonly<Record<string, T>>;
  readonly ibotHead?: Readonly<Record<string, T>>;
};

export type SubmoduleName = keyof Submodules<unknown>;

/** Means of teacher logits that `centering` subtracts, (1, K) each. */
export type Centres<T> = { readonly dino: T; readonly ibot: T };

/** What a gradient is computed from. */
export type Model<T> = {
  readonly student: Submodules<T>;
  readonly teacher: Submodules<T>;
  /** Only with centring by a moving average. */
  readonly centres?: Centres<T>;
};

/** All that one step hands to the next: the model and AdamW's two moments. */
export type TrainingState<T> = Model<T> & { readonly m: Submodules<T>; readonly v: Submodules<T> };

/** Apply `fn` to every parameter, with the values at the same place of further records. */
export function mapSubmodules<T, U>(
  first: Submodules<T>,
  fn: (value: T, module: SubmoduleName, name: string) => U,
): Submodules<U> {
  const result: Partial<Record<SubmoduleName, Record<string, U>>> = {};
  for (const module of submoduleNames(first)) {
    result[module] = Object.fromEntries(
      Object.entries(first[module] as Record<string, T>).map(([name, value]) => [name, fn(value, module, name)]),
    );
  }
  return result as Submodules<U>;
}

/** The submodules that are there, in a fixed order. */
export function submoduleNames(modules: Submodules<unknown>): SubmoduleName[] {
  return (['backbone', 'dinoHead', 'ibotHead'] as const).filter((name) => modules[name] !== undefined);
}

export function headConfigOf(config: TrainerConfig, sizes: HeadSizes): HeadConfig {
  return { inputDim: config.model.embedDim, ...sizes };
}

/** Whether masked patches have a head of their own. */
export function hasIbotHead({ ibot }: TrainerConfig): boolean {
  return ibot.separateHead && ibot.lossWeight > 0;
}

/** Parameters of a fresh student, drawn from the seed; `backbone` replaces the drawn backbone. */
export function initialStudent(
  config: TrainerConfig,
  backbone?: Readonly<Record<string, HostArray>>,
): Submodules<HostArray> {
  const seed = (module: string): number => createRandom(config.seed).fork('initial weights').fork(module).bits();
  return {
    backbone: backbone ?? initialize(config.model, seed('backbone')),
    dinoHead: initializeHead(headConfigOf(config, config.dino.head), seed('dino head')),
    ...(hasIbotHead(config) && {
      ibotHead: initializeHead(headConfigOf(config, config.ibot.head), seed('ibot head')),
    }),
  };
}

/** Put a student on the engine with an equal teacher, moments of zero and centres of zero. */
export function initialState(
  engine: Engine,
  config: TrainerConfig,
  student: Submodules<HostArray>,
): TrainingState<DeviceArray> {
  const put = ({ data, shape }: HostArray): DeviceArray => engine.put(data, shape, 'float32');
  const zeros = (shape: readonly number[]): DeviceArray =>
    engine.put(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape, 'float32');
  const { dino, ibot } = config;
  return {
    student: mapSubmodules(student, put),
    teacher: mapSubmodules(student, put),
    m: mapSubmodules(student, ({ shape }) => zeros(shape)),
    v: mapSubmodules(student, ({ shape }) => zeros(shape)),
    ...(config.centering === 'centering' && {
      centres: {
        dino: zeros([1, dino.head.prototypes]),
        ibot: zeros([1, (ibot.separateHead ? ibot : dino).head.prototypes]),
      },
    }),
  };
}

/** Paths of a state's arrays in a checkpoint: `student.backbone.blocks.0.norm1.weight`, `centres.dino`. */
export function nameArrays<T extends DeviceArray | Tensor>(state: TrainingState<T>): Record<string, T> {
  const named: Record<string, T> = {};
  for (const part of ['student', 'teacher', 'm', 'v'] as const) {
    mapSubmodules(state[part], (value, module, name) => (named[`${part}.${module}.${name}`] = value));
  }
  if (state.centres !== undefined) {
    named['centres.dino'] = state.centres.dino;
    named['centres.ibot'] = state.centres.ibot;
  }
  return named;
}

/** A state's arrays for a file, read from the engine one by one. */
export function storable(arrays: Readonly<Record<string, DeviceArray>>): Record<string, LazyTensor> {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, array]) => [
      name,
      { shape: array.shape, dtype: 'F32' as const, load: () => array.data() },
    ]),
  );
}

/**
 * Put a saved state on the engine, one tensor at a time.
 *
 * @throws TrainerError if the file does not hold the tensors that the configuration needs.
 */
export async function restoreState(
  engine: Engine,
  shapes: TrainingState<{ readonly shape: readonly number[] }>,
  file: SafetensorsFile,
  path: string,
): Promise<TrainingState<DeviceArray>> {
  const load = async (name: string, shape: readonly number[]): Promise<DeviceArray> => {
    const stored = await file.read(name);
    if (!(stored.data instanceof Float32Array) || String(stored.shape) !== String(shape)) {
      throw new TrainerError(
        `"${name}" in ${path} is ${stored.dtype} [${stored.shape}], this configuration needs F32 [${shape}]; start the run in another folder.`,
      );
    }
    return engine.put(stored.data, shape, 'float32');
  };
  const loadModules = async (part: 'student' | 'teacher' | 'm' | 'v'): Promise<Submodules<DeviceArray>> => {
    const modules: Partial<Record<SubmoduleName, Record<string, DeviceArray>>> = {};
    for (const module of submoduleNames(shapes[part])) {
      modules[module] = {};
      for (const [name, { shape }] of Object.entries(shapes[part][module]!)) {
        modules[module][name] = await load(`${part}.${module}.${name}`, shape);
      }
    }
    return modules as Submodules<DeviceArray>;
  };
  return {
    student: await loadModules('student'),
    teacher: await loadModules('teacher'),
    m: await loadModules('m'),
    v: await loadModules('v'),
    ...(shapes.centres !== undefined && {
      centres: {
        dino: await load('centres.dino', shapes.centres.dino.shape),
        ibot: await load('centres.ibot', shapes.centres.ibot.shape),
      },
    }),
  };
}
