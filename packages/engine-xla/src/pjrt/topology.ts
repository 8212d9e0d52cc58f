import { describe, encodeProgram, type Device } from './client';
import { CompiledProgram } from './executable';
import { pointersAt, textAt, utf8 } from './memory';
import { encodeNamedValues, readIntegers, type PluginOptions } from './named-values';
import type { Plugin } from './plugin';

/** A device that need not be there. */
export interface TopologyDevice extends Pick<Device, 'id' | 'process' | 'kind'> {
  /** Memory in bytes that programs can have, where the plugin says so. */
  readonly memory: number | undefined;
}

/** Devices that need not be there: a program can be compiled for them, not run. */
export class Topology {
  readonly platform: string;
  readonly devices: readonly TopologyDevice[];
  readonly #plugin: Plugin;
  readonly #handle: bigint;

  /** @param name - In the plugin's own notation, as `v5e:4x4`. */
  static async create(plugin: Plugin, name: string, options: PluginOptions = {}): Promise<Topology> {
    const text = utf8(name);
    const { topology } = await plugin.callAsync('PJRT_TopologyDescription_Create', {
      topology_name: text,
      topology_name_size: text.length,
      create_options: encodeNamedValues(options),
      num_options: Object.keys(options).length,
    });
    return new Topology(plugin, topology);
  }

  private constructor(plugin: Plugin, handle: bigint) {
    this.#plugin = plugin;
    this.#handle = handle;
    const name = plugin.call('PJRT_TopologyDescription_PlatformName', { topology: handle });
    this.platform = textAt(name.platform_name, name.platform_name_size).toLowerCase();
    const list = plugin.call('PJRT_TopologyDescription_GetDeviceDescriptions', { topology: handle });
    this.devices = pointersAt(list.descriptions, list.num_descriptions)
      .map((device_description) => {
        const { attributes, num_attributes } = plugin.call('PJRT_DeviceDescription_Attributes', { device_description });
        const { device_memory_bytes_limit } = readIntegers(attributes, num_attributes);
        return { ...describe(plugin, device_description), memory: device_memory_bytes_limit };
      })
      .sort((a, b) => a.id - b.id);
  }

  async compile(code: Uint8Array, options: Uint8Array): Promise<CompiledProgram> {
    const { executable } = await this.#plugin.callAsync('PJRT_Compile', {
      topology: this.#handle,
      program: encodeProgram(code, 'mlir'),
      compile_options: options,
      compile_options_size: options.length,
    });
    return new CompiledProgram(this.#plugin, executable);
  }

  dispose(): void {
    this.#plugin.call('PJRT_TopologyDescription_Destroy', { topology: this.#handle });
  }
}
