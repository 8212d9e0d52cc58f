import { type DeviceArray, type Engine, type HostArray, mapTree, type Mesh, type Sharding } from '@dinov2/jit';
import { createRandom } from '@dinov2/primitives';
import {
  checkParameters,
  type HeadConfig,
  headParameterShapes,
  type InitialArray,
  initialArrays,
  initialHeadArrays,
  makeArray,
  type ParameterShapes,
  parameterShapes,
} from '@dinov2/vit';
import type { LazyTensor } from '@dinov2/weights';
import { usesIbot } from './batch';
import { checkHeads } from './check-heads';
import type { HeadSizes, TrainerConfig } from './config';
import { StateFiles } from './state-files';

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

/** Apply `fn` to every parameter of the submodules that are there. */
export function mapSubmodules<T, U>(
  modules: Submodules<T>,
  fn: (value: T, module: SubmoduleName, name: string) => U,
): Submodules<U>;
export function mapSubmodules<T, U>(
  modules: Partial<Submodules<T>>,
  fn: (value: T, module: SubmoduleName, name: string) => U,
): Partial<Submodules<U>>;
export function mapSubmodules<T, U>(
  modules: Partial<Submodules<T>>,
  fn: (value: T, module: SubmoduleName, name: string) => U,
): Partial<Submodules<U>> {
  const result: Partial<Record<SubmoduleName, Record<string, U>>> = {};
  for (const module of submoduleNames(modules)) {
    result[module] = Object.fromEntries(
      Object.entries(modules[module] as Record<string, T>).map(([name, value]) => [name, fn(value, module, name)]),
    );
  }
  return result as Partial<Submodules<U>>;
}

/** The submodules that are there, in a fixed order. */
export function submoduleNames(modules: Partial<Submodules<unknown>>): SubmoduleName[] {
  return (['backbone', 'dinoHead', 'ibotHead'] as const).filter((name) => modules[name] !== undefined);
}

export function headConfigOf(config: TrainerConfig, sizes: HeadSizes): HeadConfig {
  return { inputDim: config.model.embedDim, ...sizes };
}

/** Whether masked patches have a head of their own. One that nothing goes through would have no gradient. */
export function hasIbotHead(config: TrainerConfig): boolean {
  return config.ibot.separateHead && usesIbot(config);
}

/** A float32 array by its shape alone. */
export interface ArraySpec {
  readonly shape: readonly number[];
  readonly dtype: 'float32';
  /** How it lies on a mesh. */
  readonly sharding?: Sharding;
}

/** Shapes of everything a run keeps between steps, and how it lies on a mesh. */
export function stateSpecs(config: TrainerConfig, mesh?: Mesh): TrainingState<ArraySpec> {
  const spec = (shape: readonly number[]): ArraySpec => {
    const sharding = stateSharding(shape, mesh);
    return { shape, dtype: 'float32', ...(sharding && { sharding }) };
  };
  const specs = (shapes: ParameterShapes): Record<string, ArraySpec> =>
    Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, spec(shape)]));
  const { model, dino, ibot } = config;
  const modules: Submodules<ArraySpec> = {
    backbone: specs(parameterShapes(model)),
    dinoHead: specs(headParameterShapes(headConfigOf(config, dino.head))),
    ...(hasIbotHead(config) && { ibotHead: specs(headParameterShapes(headConfigOf(config, ibot.head))) }),
  };
  return {
    student: modules,
    teacher: modules,
    m: modules,
    v: modules,
    ...(config.centering === 'centering' && {
      centres: {
        dino: spec([1, dino.head.prototypes]),
        ibot: spec([1, (hasIbotHead(config) ? ibot : dino).head.prototypes]),
      },
    }),
  };
}

/**
 * Parameters of a fresh student, drawn from the seed; `weights` replace what they hold.
 *
 * @throws VitError if the given backbone is not one of the configuration.
 * @throws TrainerError if the given heads are not those of the configuration.
 */
export function initialStudent(
  config: TrainerConfig,
  weights: Partial<Submodules<HostArray>> = {},
): Submodules<HostArray> {
  return mapSubmodules(planStudent(config, weights), (array) => ('data' in array ? array : makeArray(array)));
}

/** The same with what is to be drawn not drawn yet. */
export function planStudent(
  config: TrainerConfig,
  weights: Partial<Submodules<HostArray>>,
): Submodules<HostArray | InitialArray> {
  const seed = (module: string): number => createRandom(config.seed).fork('initial weights').fork(module).bits();
  const { backbone, dinoHead, ibotHead } = weights;
  if (backbone !== undefined) checkParameters(backbone, parameterShapes(config.model));
  checkHeads(
    {
      dino: headConfigOf(config, config.dino.head),
      ...(hasIbotHead(config) && { ibot: headConfigOf(config, config.ibot.head) }),
    },
    weights,
  );
  return {
    backbone: backbone ?? initialArrays(config.model, seed('backbone')),
    dinoHead: dinoHead ?? initialHeadArrays(headConfigOf(config, config.dino.head), seed('dino head')),
    ...(hasIbotHead(config) && {
      ibotHead: ibotHead ?? initialHeadArrays(headConfigOf(config, config.ibot.head), seed('ibot head')),
    }),
  };
}

/**
 * How an array of the state lies on an engine's mesh: matrices are split over `fsdp` along their first axis that
 * divides evenly, vectors are whole on every device.
 */
export function stateSharding(shape: readonly number[], mesh: Mesh | undefined): Sharding | undefined {
  const parts = mesh?.fsdp ?? 1;
  if (parts === 1 || shape.filter((length) => length > 1).length < 2) return undefined;
  const axis = shape.findIndex((length) => length > 0 && length % parts === 0);
  return axis < 0 ? undefined : shape.map((_, i) => (i === axis ? ['fsdp'] : []));
}

/** Put a student on the engine with an equal teacher, moments of zero and centres of zero. */
export function initialState(
  engine: Engine,
  config: TrainerConfig,
  student: Submodules<HostArray>,
): TrainingState<DeviceArray> {
  const put = ({ data, shape }: HostArray): DeviceArray => engine.put(data, shape, 'float32', stateSharding(shape, engine.mesh));
  const zeros = ({ shape }: ArraySpec): DeviceArray =>
    put({ data: new Float32Array(shape.reduce((a, b) => a * b, 1)), shape });
  const { m, v, centres } = stateSpecs(config);
  return {
    student: mapSubmodules(student, put),
    teacher: mapSubmodules(student, put),
    m: mapSubmodules(m, zeros),
    v: mapSubmodules(v, zeros),
    ...(centres && { centres: { dino: zeros(centres.dino), ibot: zeros(centres.ibot) } }),
  };
}

/** Paths of a state's arrays in a checkpoint: `student.backbone.blocks.0.norm1.weight`, `centres.dino`. */
export function nameArrays<T>(state: TrainingState<T>): Record<string, T> {
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

/** Arrays of the engine on the host, all at once. */
export async function readArrays(arrays: Readonly<Record<string, DeviceArray>>): Promise<Record<string, HostArray & { data: Float32Array }>> {
  const read: Record<string, HostArray & { data: Float32Array }> = {};
  for (const [name, array] of Object.entries(arrays)) read[name] = { data: (await array.data()) as Float32Array, shape: array.shape };
  return read;
}

/** Name in a file of the box of an array that begins at `start`. */
const boxName = (name: string, start: readonly number[]): string => `${name}@${start.join(',')}`;

/**
 * A state's arrays for a file, read from the engine one by one.
 *
 * @param parts - only what this process holds, in boxes: for one of several processes.
 */
export function storable(arrays: Readonly<Record<string, DeviceArray>>, parts = false): Record<string, LazyTensor> {
  const entries = Object.entries(arrays).flatMap(([name, array]): [string, LazyTensor][] => {
    const boxes = (parts && array.parts?.()) || [{ start: array.shape.map(() => 0), shape: array.shape, data: () => array.data() }];
    return boxes.map(({ start, shape, data }) => {
      const isWhole = shape.every((length, i) => length === array.shape[i]);
      return [isWhole ? name : boxName(name, start), { shape, dtype: 'F32', load: data }];
    });
  });
  return Object.fromEntries(entries);
}

/**
 * Put a saved state on the engine, one tensor at a time.
 *
 * @param paths - safetensors files with the names of {@link nameArrays}, or boxes of them from several processes. They
 * may have been written on any mesh.
 * @throws TrainerError if they do not hold the tensors that the configuration needs.
 */
export async function restoreState(engine: Engine, config: TrainerConfig, paths: readonly string[]): Promise<TrainingState<DeviceArray>> {
  const files = await StateFiles.open(paths);
  try {
    const arrays = new Map<ArraySpec, DeviceArray>();
    const specs = mapTree(stateSpecs(config), (spec) => ({ ...spec })) as TrainingState<ArraySpec>;
    for (const [name, spec] of Object.entries(nameArrays(specs))) {
      const data = await files.read(name, spec.shape);
      arrays.set(spec, engine.put(data, spec.shape, 'float32', stateSharding(spec.shape, engine.mesh)));
    }
    const loaded = (spec: ArraySpec): DeviceArray => arrays.get(spec)!;
    return {
      student: mapSubmodules(specs.student, loaded),
      teacher: mapSubmodules(specs.teacher, loaded),
      m: mapSubmodules(specs.m, loaded),
      v: mapSubmodules(specs.v, loaded),
      ...(specs.centres && { centres: { dino: loaded(specs.centres.dino), ibot: loaded(specs.centres.ibot) } }),
    };
  } finally {
    await files.close();
  }
}
