import {
  meshSize,
  nodeFlops,
  replicated,
  type CompileOptions,
  type DataType,
  type DeviceArray,
  type Engine,
  type Executable,
  type Graph,
  type Mesh,
  type Sharding,
  type TypedArray,
  type Value,
} from '@dinov2/jit';
import type { Box } from './boxes';
import { cacheKey, defaultCacheFolder, ExecutableCache } from './cache';
import { encodeCompileOptions, type XlaFlags } from './compile-options';
import type { DistributedOptions } from './distributed/membership';
import { EngineError } from './errors';
import { XlaExecutable, type ArraySpec, type Signature } from './executable';
import { lowerGraph } from './lower-graph';
import type { DeviceMemory } from './pjrt/client';
import type { LoadedExecutable } from './pjrt/executable';
import { utf8 } from './pjrt/memory';
import type { PluginOptions } from './pjrt/named-values';
import { Plugin } from './pjrt/plugin';
import { Placement } from './placement';
import { cudaDataFolder, loadNvidiaLibraries } from './prepare-plugin';
import { putArray, putParts } from './put';
import { RunQueue } from './run-queue';
import type { Runtime } from './runtime';
import { openSession } from './session';

export interface XlaEngineOptions {
  /** Path of a PJRT plugin; `findPlugins()` lists those of this machine. */
  readonly plugin: string;
  /** Devices as a grid, or a function from their number to one. Absent, the engine uses the first device. */
  readonly mesh?: Mesh | ((devices: number) => Mesh | undefined);
  /** Where compiled programs are kept for the next process; `null` keeps none. Default `$XDG_CACHE_HOME/dinov2-ts/xla`. */
  readonly cacheFolder?: string | null;
  /** Options of the plugin's client by name, e.g. `{ memory_fraction: 0.9 }` on GPUs. */
  readonly pluginOptions?: PluginOptions;
  /** Flags of XLA for everything that is compiled, by name without dashes. `XLA_FLAGS` in the environment holds as well. */
  readonly xlaFlags?: XlaFlags;
  /** Let cuDNN compute attention in 16 bits, where the plugin has it. On by default. */
  readonly flashAttention?: boolean;
  /**
   * Work with processes on other hosts: the mesh spans the devices of all of them, and every process makes the same calls in
   * the same order. When one of them is gone, whatever the others wait for is rejected, and they have to call `process.exit`:
   * until then their devices may wait for the one that is gone.
   */
  readonly distributed?: DistributedOptions;
}

/** An engine on one PJRT plugin. */
export interface XlaEngine extends Engine {
  /** `cpu`, `cuda`, `rocm`, `tpu`, … */
  readonly platform: string;
  compile(graph: Graph, options: CompileOptions): Promise<XlaCompiled>;
  /** Compile a StableHLO module, given as MLIR text, whose `@main` has this signature. */
  compileModule(text: string, signature: Signature): Promise<XlaCompiled>;
  /**
   * Put an array that no host holds as a whole, part by part.
   *
   * @param part - Gives the values of a box of the array, row by row. It is asked once for each box that a device of this
   * process holds, and the values must stay as they are.
   */
  assemble(shape: readonly number[], dtype: DataType, sharding: Sharding, part: (box: Box) => TypedArray): DeviceArray;
  /** Memory of each device of this process, `undefined` for those whose plugin does not count. */
  memory(): (DeviceMemory | undefined)[];
}

/** An executable, and where it came from. */
export interface XlaCompiled extends Executable {
  /** Read from the cache instead of compiled. */
  readonly fromCache: boolean;
}

/**
 * An engine that compiles graphs with XLA and runs them on the devices of a PJRT plugin.
 *
 * @throws EngineError - if the file is no plugin, it finds no device, or the mesh does not fit the devices. The message is
 * the plugin's own where it has one.
 * @example
 * ```ts
 * const plugin = (await findPlugins()).find(({ usable }) => usable)!.path!;
 * const engine = await xlaEngine({ plugin, mesh: (devices) => ({ data: 1, fsdp: devices }) });
 * const step = jit((x: tf.Tensor, w: tf.Tensor) => tf.matMul(x, w).relu(), { engine });
 * ```
 */
export async function xlaEngine({
  plugin: path,
  mesh: wanted,
  cacheFolder = defaultCacheFolder(),
  pluginOptions = {},
  xlaFlags = {},
  flashAttention = true,
  distributed,
}: XlaEngineOptions): Promise<XlaEngine> {
  loadNvidiaLibraries(path);
  const plugin = Plugin.load(path);
  const session = await openSession(plugin, pluginOptions, distributed);
  const { client, membership } = session;
  let mesh: Mesh | undefined;
  let placement: Placement;
  try {
    mesh = typeof wanted === 'function' ? wanted(client.devices.length) : wanted;
    placement = new Placement(mesh ?? {}, client.devices);
  } catch (error) {
    await session.close();
    throw error;
  }
  const runtime: Runtime = {
    client,
    placement,
    mesh,
    queue: new RunQueue(),
    arrays: new Set(),
    executables: new Set(),
    guard: (promise) => (membership ? Promise.race([promise, membership.failure]) : promise),
  };
  const cache = cacheFolder === null ? undefined : new ExecutableCache(cacheFolder);
  const ids = placement.devices.map(({ id }) => id);
  const kinds = [...new Set(placement.devices.map(({ kind }) => kind))].join(', ');
  const cudaFolder = client.platform === 'cuda' ? cudaDataFolder(path) : undefined;
  const flags = {
    ...(cudaFolder !== undefined && { xla_gpu_cuda_data_dir: cudaFolder }),
    // Maxima lose NaN otherwise, and with it what tells that a step has failed.
    ...(client.platform === 'cpu' && { xla_cpu_enable_fast_min_max: false }),
    ...xlaFlags,
  };
  const options = encodeCompileOptions({ devices: ids, flags });
  let disposed = false;
  const alive = () => {
    if (disposed) throw new EngineError('the engine was disposed; make another with xlaEngine().');
  };

  /** From the cache, or compiled and put there. */
  const load = async (code: Uint8Array): Promise<{ loaded: LoadedExecutable; fromCache: boolean }> => {
    const key = cacheKey([code, options, plugin.name, plugin.version, client.platformVersion, kinds, process.env['XLA_FLAGS'] ?? '']);
    const known = await cache?.get(key);
    if (known) {
      try {
        return { loaded: await client.deserialize(known), fromCache: true };
      } catch {
        await cache?.remove(key);
      }
    }
    const loaded = await client.compile(code, options);
    if (cache) {
      try {
        await cache.put(key, await loaded.program.serialize());
      } catch {
        // Not every plugin can serialize.
      }
    }
    return { loaded, fromCache: false };
  };

  // Without a mesh, annotations say nothing.
  const specOf = ({ shape, dtype, sharding }: Value): ArraySpec => ({ shape, dtype, ...(mesh && sharding && { sharding }) });

  const putRows =
    (index: number, count: number): NonNullable<Engine['putRows']> =>
    (data, [rows = 1, ...rest], dtype) => {
      alive();
      const width = rest.reduce((a, b) => a * b, 1);
      return putParts(runtime, [count * rows, ...rest], dtype, [Object.keys(placement.mesh)], ({ start: [from = 0], shape: [length = 1] }) => {
        const first = from - index * rows;
        if (first < 0 || first + length > rows) {
          throw new EngineError(`rows ${from} to ${from + length} are on a device of process ${index}, which gives rows ${index * rows} to ${(index + 1) * rows}; the mesh must take the devices process by process.`);
        }
        return { data: data.subarray(first * width, (first + length) * width), stays: true };
      });
    };

  const compileModule = async (text: string, signature: Signature): Promise<XlaCompiled> => {
    alive();
    const { loaded, fromCache } = await runtime.guard(load(utf8(text)));
    return Object.assign(new XlaExecutable(runtime, loaded, signature), { fromCache });
  };

  return {
    info: {
      name: 'xla',
      device: placement.devices.length === 1 ? kinds : `${placement.devices.length} × ${kinds}`,
      precision: 'float32',
      runtime: `PJRT ${plugin.version}, ${client.platformVersion.split('\n')[0]}`,
    },
    platform: client.platform,
    isAsynchronous: true,
    ...(mesh && { mesh }),
    ...(membership && { hosts: membership, putRows: putRows(membership.index, membership.count) }),
    compileModule,
    async compile(graph, { donations }) {
      alive();
      const signature: Signature = {
        inputs: graph.inputs.map(specOf),
        outputs: graph.outputs.map(specOf),
        donations,
        flops: graph.nodes.reduce((sum, node) => sum + nodeFlops(node), 0),
      };
      const text = lowerGraph(graph, {
        ...(mesh && meshSize(mesh) > 1 && { mesh }),
        donations,
        platform: client.platform,
        flashAttention,
      });
      return compileModule(text, signature);
    },
    put(data, shape, dtype, sharding) {
      alive();
      return putArray(runtime, data, shape, dtype, mesh && sharding);
    },
    assemble(shape, dtype, sharding, part) {
      alive();
      return putParts(runtime, shape, dtype, mesh ? sharding : replicated, (box) => ({ data: part(box), stays: true }));
    },
    memory: () => placement.local.map(({ device }) => client.memory(device)),
    async dispose() {
      if (disposed) return;
      disposed = true;
      try {
        await runtime.guard(runtime.queue.idle());
      } catch {
        // The devices wait for a process that is gone, and let go of nothing until this process ends.
        await membership?.leave();
        return;
      }
      for (const array of [...runtime.arrays]) array.dispose();
      for (const executable of [...runtime.executables]) executable.dispose();
      await session.close();
    },
  };
}
