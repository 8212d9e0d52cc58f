import * as tf from '@tensorflow/tfjs-core';
import type { TensorSpec } from '@dinov2/primitives';
import { bindConstants } from './bind-constants';
import { costReport, type CostReport } from './cost';
import { pairDonations } from './donation';
import type { CompileOptions, DeviceArray, Engine, Executable, MemoryReport, ProfileEntry } from './engine';
import { JitError } from './errors';
import { printable } from './format-graph';
import { type DataType, type Graph, typedArray, type TypedArray, type Value } from './graph';
import { optimize } from './passes';
import { float32, type PrecisionPolicy } from './precision';
import { annotate } from './shards/annotate';
import { mapOverShards, withoutShards } from './shards/map-over-shards';
import { isReplicated, type Sharding } from './sharding';
import { trace, type TraceInput } from './trace/trace';
import {
  flattenTree,
  formatPath,
  type HostArray,
  type Leaf,
  type MapLeaves,
  type Path,
  structureKey,
  type TreeStructure,
  unflattenTree,
} from './tree';

export interface JitOptions {
  readonly engine: Engine;
  /**
   * Positions of arguments that the caller gives up: their arrays are disposed by the call and their
   * memory is reused for outputs of the same path, shape and type. For state that every step replaces.
   */
  readonly donate?: readonly number[];
  /**
   * Positions of arguments that are the same arrays at every call: weights at inference. Their values are
   * compiled in. What depends on them alone is computed once, and the engine may keep them as its kernels
   * like them best. They must not change while the compiled function is in use.
   */
  readonly constant?: readonly number[];
  /** Default {@link float32}. */
  readonly precision?: PrecisionPolicy;
  /**
   * Compile for several shards of a batch what is written for one. The leaves of the arguments at these positions
   * have a first axis that counts the shards, and `fn` sees them without it; what it returns must be the same for
   * all shards, by `acrossShards` of `@dinov2/primitives`. An engine with a mesh spreads the shards over its devices.
   */
  readonly shards?: { readonly count: number; readonly arguments: readonly number[] };
}

/** What a compiled function accepts where the plain one takes a tensor. A number is a float32 scalar. */
export type ArrayLike = DeviceArray | tf.Tensor | HostArray | number;

type Arguments<Args extends readonly unknown[], L> = { [K in keyof Args]: MapLeaves<Args[K], L> };

/** A traced function: its graph and what it costs, not compiled yet. */
export interface Lowered {
  readonly graph: Graph & { toString(): string };
  /** What an engine is given with the graph: outputs that may take the memory of donated inputs. Constant arguments are no inputs here. */
  readonly donations: CompileOptions['donations'];
  readonly cost: CostReport;
  /** The graph and its cost as text. */
  toString(): string;
}

/** A function compiled for one set of shapes. */
export interface Compiled extends Lowered {
  readonly memory: MemoryReport;
}

/** A function that runs on an engine. It compiles at the first call for each set of argument shapes. */
export interface CompiledFunction<Args extends readonly unknown[], Out> {
  (...args: Arguments<Args, ArrayLike>): Promise<MapLeaves<Out, DeviceArray>>;
  /** Trace only. Leaves may be bare {@link TensorSpec}s: neither weights nor an engine are needed for a cost report. */
  lower(...args: Arguments<Args, ArrayLike | TensorSpec>): Lowered;
  /** Compile ahead of the first call. */
  compile(...args: Arguments<Args, ArrayLike | TensorSpec>): Promise<Compiled>;
  /** One call with a clock around every kernel; entries are the slowest first. Donated arguments are used up as in a call. */
  profile(
    ...args: Arguments<Args, ArrayLike>
  ): Promise<{ result: MapLeaves<Out, DeviceArray>; entries: ProfileEntry[] }>;
  /** Free what the engine compiled. Results stay valid. */
  dispose(): void;
}

const hostTypes: readonly (readonly [new (n: number) => TypedArray, DataType])[] = [
  [Float32Array, 'float32'],
  [Int32Array, 'int32'],
  [Uint8Array, 'bool'],
];

const isDeviceArray = (leaf: Leaf): leaf is DeviceArray =>
  typeof leaf === 'object' && 'isDisposed' in leaf && !(leaf instanceof tf.Tensor);

const isHostArray = (leaf: Leaf): leaf is HostArray =>
  typeof leaf === 'object' && 'data' in leaf && ArrayBuffer.isView(leaf.data);

/** Shape and type of an argument leaf; throws on anything that is not one, with the place `where`. */
function specOf(leaf: Leaf, where: () => string): TraceInput {
  if (typeof leaf === 'number') return { shape: [], dtype: 'float32' };
  if (typeof leaf === 'object' && leaf !== null) {
    if (leaf instanceof tf.Tensor || isDeviceArray(leaf)) {
      if (leaf.isDisposed) {
        throw new JitError(
          `${where()} is disposed. An array that was donated to a call is used up by it; pass what the call returned in its place.`,
        );
      }
      if (leaf instanceof tf.Variable) {
        return { shape: leaf.shape, dtype: leaf.dtype as DataType, variable: { name: leaf.name, trainable: leaf.trainable } };
      }
    } else if (isHostArray(leaf)) {
      const dtype = hostTypes.find(([type]) => leaf.data instanceof type)?.[1];
      if (dtype === undefined) {
        throw new JitError(
          `${where()} holds a ${leaf.data.constructor.name}; host data is a Float32Array, an Int32Array, or a Uint8Array for bool.`,
        );
      }
      const expected = leaf.shape.reduce((a, b) => a * b, 1);
      if (leaf.data.length !== expected) {
        throw new JitError(`${where()} has ${leaf.data.length} values for the shape (${leaf.shape.join(', ')}), which holds ${expected}.`);
      }
      return { shape: leaf.shape, dtype };
    }
    const { shape, dtype } = leaf as TensorSpec;
    if (Array.isArray(shape) && (dtype === 'float32' || dtype === 'int32' || dtype === 'bool')) return { shape, dtype };
  }
  throw new JitError(
    `${where()} is ${typeof leaf === 'object' ? `a ${(leaf as object)?.constructor?.name ?? 'value'}` : `the ${typeof leaf} ${String(leaf)}`}; ` +
      `an argument of a compiled function is a tree of device arrays, float32, int32 or bool tensors, {data, shape} and numbers.`,
  );
}

/** How an array that is there already, or a bare spec, lies on a mesh. */
const shardingOf = (leaf: Leaf): Sharding | undefined =>
  typeof leaf === 'object' && 'sharding' in leaf ? (leaf.sharding as Sharding | undefined) : undefined;

/** Names of a function's parameters, for messages, where they are plain identifiers. */
function parameterNames(fn: (...args: never[]) => unknown): string[] {
  const text = fn.toString();
  const list = /^(?:async\s*)?(?:function[^(]*)?\(([^)]*)\)/.exec(text)?.[1] ?? /^(?:async\s+)?([\w$]+)\s*=>/.exec(text)?.[1];
  return (list ?? '').split(',').map((name) => name.trim());
}

interface Call {
  readonly leaves: Leaf[];
  readonly paths: Path[];
  readonly structure: TreeStructure;
  readonly specs: TraceInput[];
  /** How each leaf lies on the engine's mesh. */
  readonly shardings: (Sharding | undefined)[];
  readonly key: string;
}

interface Program {
  readonly lowered: Lowered;
  readonly structure: TreeStructure;
  /** Leaves of a call whose values are compiled in. */
  readonly constants: readonly number[];
  /** The other leaves: inputs of the executable, in its order. */
  readonly inputs: readonly number[];
  /** From inputs of the executable to its outputs. */
  readonly donations: [number, number][];
  /** Inputs of the executable that the caller gave up. */
  readonly givenUp: ReadonlySet<number>;
  /** Present once it is wanted compiled, with the constant leaves it was compiled for. */
  compiled?: { readonly constants: readonly Leaf[]; readonly executable: Promise<Executable> };
}

/**
 * Compile a TensorFlow.js function.
 *
 * `fn` takes and returns trees (nested arrays and records) of tensors and must be pure: it may call
 * tfjs ops and gradients, but not read values, draw random numbers, assign variables or depend on
 * anything that changes. It runs once per set of argument shapes, on tensors without values.
 *
 * The compiled function takes the same trees with arrays of the engine, tensors, host arrays or
 * numbers at the leaves and gives arrays of the engine, which the caller disposes.
 *
 * @throws JitError with what to do, where the function or its arguments cannot be compiled.
 * @example
 * ```ts
 * const step = jit((x: tf.Tensor, w: tf.Tensor) => tf.matMul(x, w).relu(), { engine: eagerEngine() });
 * const y = await step({ data: new Float32Array(6), shape: [2, 3] }, tf.ones([3, 4]));
 * console.log(await y.data());
 * ```
 */
export function jit<Args extends readonly unknown[], Out>(
  fn: (...args: Args) => Out,
  { engine, donate = [], constant = [], precision = float32, shards }: JitOptions,
): CompiledFunction<Args, Out> {
  const programs = new Map<string, Program>();
  const names = parameterNames(fn);
  const place = (path: Path): string => {
    const [argument, ...rest] = path as [number, ...(string | number)[]];
    const name = names[argument];
    return formatPath(rest, name !== undefined && /^[A-Za-z_$][\w$]*$/.test(name) ? name : `argument ${argument}`);
  };

  const isMapped = (path: Path): boolean => shards?.arguments.includes(path[0] as number) === true;

  /** What `fn` sees of a leaf: one shard of those that are mapped. */
  const ofOneShard = (spec: TraceInput, path: Path): TraceInput => {
    if (!isMapped(path)) return spec;
    const [count, ...shape] = spec.shape;
    if (count !== shards!.count) {
      throw new JitError(`${place(path)} has the shape (${spec.shape.join(', ')}); its first axis counts shards, of which there are ${shards!.count}.`);
    }
    return { ...spec, shape };
  };

  const read = (args: readonly unknown[]): Call => {
    const { leaves, paths, structure } = flattenTree<unknown, Leaf>(args);
    const specs = leaves.map((leaf, i) => specOf(leaf, () => place(paths[i])));
    // What shards differ in is split over all devices, one shard after the other.
    const overAll = engine.mesh && shards && [Object.keys(engine.mesh)];
    const shardings = leaves.map((leaf, i) => (isMapped(paths[i]) ? overAll : shardingOf(leaf)));
    const types = specs.map(
      ({ dtype, shape, variable }, i) =>
        `${dtype}[${shape.join(',')}]${variable === undefined ? '' : JSON.stringify(variable)}${isReplicated(shardings[i]) ? '' : JSON.stringify(shardings[i])}`,
    );
    return { leaves, paths, structure, specs, shardings, key: `${structureKey(structure)} ${types.join(' ')}` };
  };

  const program = ({ paths, structure, specs, shardings, key }: Call): Program => {
    const known = programs.get(key);
    if (known !== undefined) return known;
    const count = structure.kind === 'array' ? structure.children.length : 0;
    for (const [option, positions] of Object.entries({ donate, constant, 'shards.arguments': shards?.arguments ?? [] })) {
      const beyond = positions.find((position) => !Number.isInteger(position) || position < 0 || position >= count);
      if (beyond !== undefined) {
        throw new JitError(`${option} names argument ${beyond} of a call with ${count}; positions count from 0.`);
      }
    }
    const both = donate.find((position) => constant.includes(position));
    if (both !== undefined) {
      throw new JitError(`argument ${both} is donated and constant; a constant argument stays the caller's, so leave it out of donate.`);
    }
    const oneShard = specs.map((spec, i) => ofOneShard(spec, paths[i]));
    const traced = trace(oneShard, (tensors) => fn(...unflattenTree<Args>(structure, tensors)));
    const local = precision.apply(optimize(traced.graph));
    const whole = optimize(
      shards === undefined
        ? withoutShards(local)
        : mapOverShards(local, {
            count: shards.count,
            isMapped: (input) => isMapped(paths[input]),
            isSplit: (input) => !isReplicated(shardings[input]),
            outputName: (output) => formatPath(traced.paths[output], 'result'),
          }),
    );
    const leaves = paths.map((_, i) => i);
    const isConstant = (leaf: number) => constant.includes(paths[leaf][0] as number);
    const inputs = leaves.filter((leaf) => !isConstant(leaf));
    const donors = inputs.flatMap((leaf, input) =>
      donate.includes(paths[leaf][0] as number) ? [{ input, path: paths[leaf].slice(1), value: whole.inputs[leaf] }] : [],
    );
    const receivers = traced.paths.map((path, i) => ({ path, value: whole.outputs[i] }));
    const donations = pairDonations(donors, receivers);
    const graph = printable(
      engine.mesh === undefined ? whole : annotate(whole, { shardings, donations: donations.map(([input, output]) => [inputs[input], output]) }),
    );
    const cost = costReport(graph);
    const made: Program = {
      lowered: { graph, donations, cost, toString: () => `${graph.toString()}\n${cost.toString()}` },
      structure: traced.structure,
      constants: leaves.filter(isConstant),
      inputs,
      donations,
      givenUp: new Set(donors.map(({ input }) => input)),
    };
    programs.set(key, made);
    return made;
  };

  const compile = async ({ lowered: { graph }, constants, donations }: Program, { leaves, paths }: Call): Promise<Executable> => {
    if (constants.length === 0) return engine.compile(graph, { donations });
    const values = new Map<Value, TypedArray>();
    for (const i of constants) {
      const leaf = leaves[i];
      values.set(graph.inputs[i], await (isDeviceArray(leaf) ? leaf.data() : hostData(leaf, () => place(paths[i]))));
    }
    return engine.compile(await bindConstants(graph, values, engine), { donations });
  };

  const executable = (p: Program, call: Call): Promise<Executable> => {
    if (p.compiled === undefined) {
      const made = { constants: p.constants.map((i) => call.leaves[i]), executable: compile(p, call) };
      // A failed compilation may be tried again.
      made.executable.catch(() => (p.compiled = undefined));
      p.compiled = made;
    }
    const other = p.constants.find((i, j) => call.leaves[i] !== p.compiled?.constants[j]);
    if (other !== undefined) {
      throw new JitError(
        `${place(call.paths[other])} is constant, and this call passes another array than the first one. ` +
          `Call jit again for other weights, or leave the argument out of \`constant\`.`,
      );
    }
    return p.compiled.executable;
  };

  /** The arrays of one call on the device, and those among them that only this call owns. */
  const put = async (call: Call, { inputs, givenUp }: Program) => {
    const temporary: DeviceArray[] = [];
    const arrays: DeviceArray[] = [];
    const used = new Map<DeviceArray, number>();
    try {
      for (const [input, i] of inputs.entries()) {
        const leaf = call.leaves[i];
        if (typeof leaf === 'object' && isDeviceArray(leaf)) {
          const other = used.get(leaf);
          if (other !== undefined && (givenUp.has(input) || givenUp.has(other))) {
            throw new JitError(
              `${place(call.paths[i])} is the same array as ${place(call.paths[inputs[other]])}, and one of them is donated. Pass a copy.`,
            );
          }
          used.set(leaf, input);
          arrays.push(leaf);
          continue;
        }
        const { shape, dtype } = call.specs[i];
        const data = await hostData(leaf, () => place(call.paths[i]));
        const array = engine.put(data, shape, dtype, call.shardings[i]);
        temporary.push(array);
        arrays.push(array);
      }
    } catch (error) {
      temporary.forEach((array) => array.dispose());
      throw error;
    }
    return { arrays, temporary };
  };

  const run = async <R>(
    args: readonly unknown[],
    execute: (executable: Executable, arrays: DeviceArray[]) => Promise<R>,
  ): Promise<{ program: Program; value: R }> => {
    const call = read(args);
    const p = program(call);
    const compiled = await executable(p, call);
    const { arrays, temporary } = await put(call, p);
    try {
      const value = await execute(compiled, arrays);
      // The engine has disposed the ones it paired with an output.
      for (const input of p.givenUp) if (!arrays[input].isDisposed) arrays[input].dispose();
      return { program: p, value };
    } finally {
      for (const array of temporary) if (!array.isDisposed) array.dispose();
    }
  };

  const compiledFunction = async (...args: readonly unknown[]) => {
    const { program: p, value } = await run(args, (e, arrays) => e.run(arrays));
    return unflattenTree(p.structure, value);
  };

  return Object.assign(compiledFunction, {
    lower: (...args: readonly unknown[]) => program(read(args)).lowered,
    compile: async (...args: readonly unknown[]): Promise<Compiled> => {
      const call = read(args);
      const p = program(call);
      const { memory } = await executable(p, call);
      return { ...p.lowered, memory };
    },
    profile: async (...args: readonly unknown[]) => {
      const { program: p, value } = await run(args, (e, arrays) => e.profile(arrays));
      return { result: unflattenTree(p.structure, value.outputs), entries: value.entries };
    },
    dispose: () => {
      for (const { compiled } of programs.values()) void compiled?.executable.then((x) => x.dispose());
      programs.clear();
    },
  }) as unknown as CompiledFunction<Args, Out>;
}

/** Values of a leaf that is not on the device yet. */
async function hostData(leaf: Leaf, where: () => string): Promise<TypedArray> {
  if (typeof leaf === 'number') return Float32Array.of(leaf);
  // Some tfjs kernels keep int32 or bool in another array type than the tensor's.
  if (leaf instanceof tf.Tensor) return typedArray(await leaf.data(), leaf.dtype as DataType);
  if (isHostArray(leaf)) return leaf.data;
  throw new JitError(`${where()} is only a shape and a type; a call needs values. Use lower() to trace without them.`);
}
