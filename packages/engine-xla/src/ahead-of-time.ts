import { meshSize, type Graph, type Mesh } from '@dinov2/jit';
import { collectives, type Collective } from './collectives';
import { encodeCompileOptions, type OptimizationLevel, type XlaFlags } from './compile-options';
import { EngineError } from './errors';
import { formatHlo, readHlo } from './hlo';
import { lowerGraph } from './lower-graph';
import type { CompiledMemory } from './pjrt/executable';
import { utf8 } from './pjrt/memory';
import type { PluginOptions } from './pjrt/named-values';
import { Plugin } from './pjrt/plugin';
import { Topology } from './pjrt/topology';
import { prepareTopologies } from './prepare-plugin';

export interface AheadOfTimeOptions {
  /** Path of a PJRT plugin. */
  readonly plugin: string;
  /** Devices to compile for, as the plugin names them: `v5e:4x4`, `v5p:4x4x4`. None of them need be there. */
  readonly topology: string;
  /** The devices as a grid; it has to take up all of them. Default `{ data: <all> }`. */
  readonly mesh?: Mesh;
  /** As of `Engine.compile`. */
  readonly donations?: readonly (readonly [input: number, output: number])[];
  readonly topologyOptions?: PluginOptions;
  readonly xlaFlags?: XlaFlags;
  /** Lower ones compile several times as fast, by skipping what makes programs faster. The plugin's own by default. */
  readonly optimizationLevel?: OptimizationLevel;
}

/** What is known of a program that no device has run. */
export interface AheadOfTime {
  readonly platform: string;
  /** Number and model of the devices, the processes they belong to, and the memory in bytes that each has. */
  readonly devices: { readonly count: number; readonly kind: string; readonly processes: number; readonly memory: number | undefined };
  /** Bytes on each device. */
  readonly memory: CompiledMemory;
  /** What the devices send each other in one run. */
  readonly collectives: readonly Collective[];
  /** The program of one device after optimisation, as text. */
  readonly hlo: string;
  /** The compiled program, in the plugin's own form. */
  readonly serialized: Uint8Array;
  readonly milliseconds: number;
}

/**
 * Compile for devices that are not here: what memory they need and what they send each other.
 *
 * @param program - A graph, or a StableHLO module as MLIR text.
 * @throws EngineError - with the compiler's message, if the program does not fit the devices for one.
 * @example
 * ```ts
 * const { graph } = jit(step, { engine }).lower(...specs);
 * const { memory, collectives } = await compileAheadOfTime(graph, { plugin, topology: 'v5e:4x4', mesh: { data: 4, fsdp: 4 } });
 * console.log(memory.inputs + memory.temporary, collectives);
 * ```
 */
export async function compileAheadOfTime(
  program: Graph | string,
  { plugin: path, topology: name, mesh, donations = [], topologyOptions, xlaFlags, optimizationLevel }: AheadOfTimeOptions,
): Promise<AheadOfTime> {
  prepareTopologies(path);
  const topology = await Topology.create(Plugin.load(path), name, topologyOptions);
  try {
    const { devices, platform } = topology;
    const grid = mesh ?? { data: devices.length };
    if (meshSize(grid) !== devices.length) {
      throw new EngineError(`the mesh ${JSON.stringify(grid)} has ${meshSize(grid)} devices and the topology ${name} has ${devices.length}.`);
    }
    const text = typeof program === 'string' ? program : lowerGraph(program, { ...(devices.length > 1 && { mesh: grid }), donations, platform });
    const start = performance.now();
    const compiled = await topology.compile(utf8(text), encodeCompileOptions({ devices: devices.map(({ id }) => id), flags: xlaFlags, optimizationLevel }));
    const milliseconds = performance.now() - start;
    try {
      const { code, format } = compiled.optimizedProgram();
      const module = readHlo(code, format);
      return {
        platform,
        devices: {
          count: devices.length,
          kind: [...new Set(devices.map(({ kind }) => kind))].join(', '),
          processes: new Set(devices.map(({ process }) => process)).size,
          memory: devices[0]?.memory,
        },
        memory: compiled.memory(),
        collectives: collectives(module, devices.length),
        hlo: formatHlo(module),
        serialized: await compiled.serialize(),
        milliseconds,
      };
    } finally {
      compiled.dispose();
    }
  } finally {
    topology.dispose();
  }
}
