import type { Client } from './client';
import { executeOptions, program } from './layouts';
import { addressOf, bytesAt, pointers, pointersAt, textAt } from './memory';
import type { Plugin } from './plugin';
import { decode, encode, keep, layout } from './struct';

/** Bytes on one device, as the compiler planned them. */
export interface CompiledMemory {
  readonly code: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Part of `outputs` that lies in the place of donated inputs. */
  readonly aliased: number;
  readonly temporary: number;
  /** Most that is in use at one time, where the plugin says so. */
  readonly peak: number | undefined;
}

/** A program that is compiled but not on devices: what can be read of it. */
export class CompiledProgram {
  readonly #plugin: Plugin;
  readonly #handle: bigint;

  constructor(plugin: Plugin, handle: bigint) {
    this.#plugin = plugin;
    this.#handle = handle;
  }

  get outputs(): number {
    return this.#plugin.call('PJRT_Executable_NumOutputs', { executable: this.#handle }).num_outputs;
  }

  memory(): CompiledMemory {
    const stats = this.#plugin.call('PJRT_Executable_GetCompiledMemoryStats', { executable: this.#handle });
    return {
      code: stats.generated_code_size_in_bytes,
      inputs: stats.argument_size_in_bytes,
      outputs: stats.output_size_in_bytes,
      aliased: stats.alias_size_in_bytes,
      temporary: stats.temp_size_in_bytes,
      peak: stats.peak_memory_in_bytes > 0 ? stats.peak_memory_in_bytes : undefined,
    };
  }

  /** The program as the compiler left it: for XLA, a serialized `HloModuleProto` (format `hlo`) or one with its configuration. */
  optimizedProgram(): { readonly code: Uint8Array<ArrayBuffer>; readonly format: string } {
    const fields = encode(program, { struct_size: layout(program).size });
    const arguments_ = { executable: this.#handle, program: fields };
    // The first call gives the size, the second the program.
    this.#plugin.call('PJRT_Executable_OptimizedProgram', arguments_);
    const { code_size } = decode(program, fields);
    const code = new Uint8Array(new ArrayBuffer(code_size));
    const filled = encode(program, { struct_size: layout(program).size, code, code_size });
    this.#plugin.call('PJRT_Executable_OptimizedProgram', { executable: this.#handle, program: filled });
    const { format, format_size } = decode(program, filled);
    return { code, format: textAt(format, format_size) };
  }

  async serialize(): Promise<Uint8Array<ArrayBuffer>> {
    const result = await this.#plugin.callAsync('PJRT_Executable_Serialize', { executable: this.#handle });
    const bytes = bytesAt(result.serialized_bytes, result.serialized_bytes_size);
    this.#plugin.destroyWith(result.serialized_executable_deleter, result.serialized_executable);
    return bytes;
  }

  dispose(): void {
    this.#plugin.call('PJRT_Executable_Destroy', { executable: this.#handle });
  }
}

/** Results of a run, by device as {@link LoadedExecutable.devices} and then by number. */
export interface Execution {
  readonly outputs: readonly (readonly bigint[])[];
  /** Resolves when all devices of this process are done, rejects with the first error. */
  readonly done: Promise<void>;
}

/** A program on the devices of a client. */
export class LoadedExecutable {
  readonly program: CompiledProgram;
  /** Handles of the devices of this process that the program runs on. */
  readonly devices: readonly bigint[];
  readonly #client: Client;
  readonly #handle: bigint;
  readonly #outputs: number;

  constructor(client: Client, handle: bigint) {
    this.#client = client;
    this.#handle = handle;
    const { plugin } = client;
    this.program = new CompiledProgram(plugin, plugin.call('PJRT_LoadedExecutable_GetExecutable', { loaded_executable: handle }).executable);
    const list = plugin.call('PJRT_LoadedExecutable_AddressableDevices', { executable: handle });
    this.devices = pointersAt(list.addressable_devices, list.num_addressable_devices);
    this.#outputs = this.program.outputs;
  }

  /**
   * Start a run.
   *
   * @param inputs - Buffers by device, in the order of {@link devices}. They may be freed once the promise is settled.
   * @returns when the devices have been given their work, which may be before it is done.
   */
  async execute(inputs: readonly (readonly bigint[])[]): Promise<Execution> {
    const { plugin, events } = this.#client;
    const outputs = inputs.map(() => pointers(new Array<bigint>(this.#outputs).fill(0n)));
    const complete = pointers(inputs.map(() => 0n));
    const lists = (arrays: readonly BigUint64Array[]) => keep(pointers(arrays.map(addressOf)), arrays);
    await plugin.callAsync('PJRT_LoadedExecutable_Execute', {
      executable: this.#handle,
      options: encode(executeOptions, { struct_size: layout(executeOptions).size }),
      argument_lists: lists(inputs.map(pointers)),
      num_devices: inputs.length,
      num_args: inputs[0]?.length ?? 0,
      output_lists: lists(outputs),
      device_complete_events: complete,
    });
    const done = Promise.all([...complete].map((event) => events.settled(event))).then(() => undefined);
    return { outputs: outputs.map((list) => [...list]), done };
  }

  dispose(): void {
    this.program.dispose();
    this.#client.plugin.call('PJRT_LoadedExecutable_Destroy', { executable: this.#handle });
  }
}
