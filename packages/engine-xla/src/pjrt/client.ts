import type { DataType } from '@dinov2/jit';
import type { Plugin } from './plugin';
import { Events } from './events';
import { bufferType, hostBufferSemantics, program } from './layouts';
import { int64s, pointersAt, textAt, utf8 } from './memory';
import { encodeNamedValues, type PluginOptions } from './named-values';
import { encode, layout } from './struct';
import { LoadedExecutable } from './executable';

/** One device of a client, of this process or another. */
export interface Device {
  readonly handle: bigint;
  /** Unique among all processes. */
  readonly id: number;
  /** Process that owns the device. */
  readonly process: number;
  /** Model, e.g. `NVIDIA H100 80GB HBM3`. */
  readonly kind: string;
  /** Of this process. */
  readonly isAddressable: boolean;
}

/** Memory of a device in bytes, as far as its plugin counts it. */
export interface DeviceMemory {
  readonly used: number;
  readonly peak: number | undefined;
  readonly limit: number | undefined;
}

/** C functions that a client reaches the other processes through. */
export interface KeyValueCallbacks {
  readonly get: bigint;
  readonly tryGet: bigint;
  readonly put: bigint;
}

/** A program in one of the formats that plugins read, as `PJRT_Program`. */
export function encodeProgram(code: Uint8Array, format: string): Uint8Array<ArrayBuffer> {
  const name = utf8(format);
  return encode(program, {
    struct_size: layout(program).size,
    code,
    code_size: code.length,
    format: name,
    format_size: name.length,
  });
}

/** A plugin at work: its devices, their buffers and what is compiled for them. */
export class Client {
  readonly plugin: Plugin;
  readonly events: Events;
  /** `cpu`, `cuda`, `rocm`, `tpu`, … */
  readonly platform: string;
  readonly platformVersion: string;
  readonly process: number;
  /** Of all processes, by number. */
  readonly devices: readonly Device[];
  readonly #handle: bigint;

  /** @throws PluginError - if the plugin finds no device or does not know an option. */
  static async create(plugin: Plugin, options: PluginOptions, callbacks?: KeyValueCallbacks): Promise<Client> {
    const values = encodeNamedValues(options);
    const { client } = await plugin.callAsync('PJRT_Client_Create', {
      create_options: values,
      num_options: Object.keys(options).length,
      kv_get_callback: callbacks?.get,
      kv_try_get_callback: callbacks?.tryGet,
      kv_put_callback: callbacks?.put,
    });
    return new Client(plugin, client);
  }

  private constructor(plugin: Plugin, handle: bigint) {
    this.plugin = plugin;
    this.events = new Events(plugin);
    this.#handle = handle;
    const client = { client: handle };
    const name = plugin.call('PJRT_Client_PlatformName', client);
    this.platform = textAt(name.platform_name, name.platform_name_size).toLowerCase();
    const version = plugin.call('PJRT_Client_PlatformVersion', client);
    this.platformVersion = textAt(version.platform_version, version.platform_version_size);
    this.process = plugin.call('PJRT_Client_ProcessIndex', client).process_index;
    const all = plugin.call('PJRT_Client_Devices', client);
    const own = plugin.call('PJRT_Client_AddressableDevices', client);
    const addressable = new Set(pointersAt(own.addressable_devices, own.num_addressable_devices));
    this.devices = pointersAt(all.devices, all.num_devices)
      .map((handle) => describeDevice(plugin, handle, addressable.has(handle)))
      .sort((a, b) => a.id - b.id);
  }

  /** Compile a module of StableHLO, given as MLIR text. */
  async compile(code: Uint8Array, options: Uint8Array): Promise<LoadedExecutable> {
    const { executable } = await this.plugin.callAsync('PJRT_Client_Compile', {
      client: this.#handle,
      program: encodeProgram(code, 'mlir'),
      compile_options: options,
      compile_options_size: options.length,
    });
    return new LoadedExecutable(this, executable);
  }

  /** Load what {@link LoadedExecutable.serialize} gave. */
  async deserialize(bytes: Uint8Array): Promise<LoadedExecutable> {
    const { loaded_executable } = await this.plugin.callAsync('PJRT_Executable_DeserializeAndLoad', {
      client: this.#handle,
      serialized_executable: bytes,
      serialized_executable_size: bytes.length,
    });
    return new LoadedExecutable(this, loaded_executable);
  }

  /**
   * Give a device an array that lies row by row in host memory.
   *
   * @param data - Copied before the call returns, unless `stays` says that the caller leaves it as it is: then it is read
   * while the transfer runs, and not copied on the way.
   */
  put(data: ArrayBufferView, type: DataType, shape: readonly number[], device: Device, stays: boolean): bigint {
    const { done_with_host_buffer, buffer } = this.plugin.call('PJRT_Client_BufferFromHostBuffer', {
      client: this.#handle,
      // An empty array has no address, and some plugins insist on one.
      data: data.byteLength === 0 ? nothing : data,
      type: bufferType[type],
      dims: int64s(shape),
      num_dims: shape.length,
      host_buffer_semantics: stays
        ? hostBufferSemantics.immutableUntilTransferCompletes
        : hostBufferSemantics.immutableOnlyDuringCall,
      device: device.handle,
    });
    // The data stay alive as long as this promise. An error of the transfer is the buffer's too, and told when it is read.
    this.events.settled(done_with_host_buffer).then(
      () => data,
      () => data,
    );
    return buffer;
  }

  /** Copy a buffer to the host, row by row, into `bytes`, which has its size. */
  async read(buffer: bigint, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (bytes.byteLength === 0) return;
    // Plugins may wait here until the buffer has been computed.
    const { event } = await this.plugin.callAsync('PJRT_Buffer_ToHostBuffer', { src: buffer, dst: bytes, dst_size: bytes.byteLength });
    await this.events.settled(event);
  }

  /** Free a buffer; work under way that reads it is not disturbed. */
  free(buffer: bigint): void {
    this.plugin.call('PJRT_Buffer_Destroy', { buffer });
  }

  /** `undefined` where the plugin does not count. */
  memory(device: Device): DeviceMemory | undefined {
    try {
      const stats = this.plugin.call('PJRT_Device_MemoryStats', { device: device.handle });
      return {
        used: stats.bytes_in_use,
        peak: stats.peak_bytes_in_use_is_set ? stats.peak_bytes_in_use : undefined,
        limit: stats.bytes_limit_is_set ? stats.bytes_limit : undefined,
      };
    } catch {
      return undefined;
    }
  }

  async dispose(): Promise<void> {
    await this.plugin.callAsync('PJRT_Client_Destroy', { client: this.#handle });
  }
}

const nothing = new Uint8Array(new ArrayBuffer(8));

function describeDevice(plugin: Plugin, handle: bigint, isAddressable: boolean): Device {
  const { device_description } = plugin.call('PJRT_Device_GetDescription', { device: handle });
  return { handle, ...describe(plugin, device_description), isAddressable };
}

/** What a description of a device says, of a client or of a topology. */
export function describe(plugin: Plugin, device_description: bigint): Pick<Device, 'id' | 'process' | 'kind'> {
  const kind = plugin.call('PJRT_DeviceDescription_Kind', { device_description });
  return {
    id: plugin.call('PJRT_DeviceDescription_Id', { device_description }).id,
    process: plugin.call('PJRT_DeviceDescription_ProcessIndex', { device_description }).process_index,
    kind: textAt(kind.device_kind, kind.device_kind_size),
  };
}
