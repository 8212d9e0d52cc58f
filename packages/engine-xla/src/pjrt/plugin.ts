import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import { EngineError } from '../errors';
import { functionNames, type FunctionName } from './functions';
import { argumentLayouts, errorCodes } from './layouts';
import { addressOf, textAt } from './memory';
import { checkStacks } from './stacks';
import { decode, encode, layout, type Input, type Output } from './struct';

type KoffiFunction = ReturnType<LibraryHandle['func']>;
type Layouts = typeof argumentLayouts;
/** The functions that this package calls. */
export type Callable = keyof Layouts & FunctionName;
type Arguments<N extends Callable> = Omit<Input<Layouts[N]>, 'struct_size' | 'extension_start'>;

/** An error that a plugin answered a call with. */
export class PluginError extends EngineError {
  /** Name of the error code, as `RESOURCE_EXHAUSTED`. */
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** Functions that return nothing. */
const withoutError: ReadonlySet<Callable> = new Set(['PJRT_Error_Destroy', 'PJRT_Error_Message']);

/** Bytes of `struct_size`, `extension_start` and the version, which come before the functions in the table. */
const tableHeader = 40;

/** One for each library and process: a plugin stays loaded, as its threads do. */
const loaded = new Map<string, Plugin>();

/**
 * A library that exports `GetPjrtApi`.
 *
 * Sizes of structs are negotiated. Every struct says how large it is as we know it, and a plugin that knows a shorter one
 * reads no further. A plugin whose own struct is longer may refuse ours; it is then called again with zeros for the rest,
 * which stand for "not given" throughout the interface.
 */
export class Plugin {
  readonly path: string;
  readonly name: string;
  /** Version of the C API that the plugin was built with. */
  readonly version: string;
  readonly #library: LibraryHandle;
  /** Addresses of the functions, as many as this plugin has. */
  readonly #table: readonly bigint[];
  readonly #functions = new Map<Callable, KoffiFunction>();
  /** Sizes that this plugin asked for, where they are larger than ours. */
  readonly #sizes = new Map<Callable, number>();

  /**
   * @throws EngineError - if the file cannot be loaded or is no PJRT plugin.
   */
  static load(path: string): Plugin {
    checkStacks();
    let key: string;
    try {
      key = realpathSync(path);
    } catch {
      throw new EngineError(`there is no PJRT plugin at ${path}; findPlugins() lists those of this machine.`);
    }
    let plugin = loaded.get(key);
    if (!plugin) {
      plugin = new Plugin(path);
      plugin.call('PJRT_Plugin_Initialize', {});
      loaded.set(key, plugin);
    }
    return plugin;
  }

  private constructor(path: string) {
    this.path = path;
    this.name = basename(path);
    let api: bigint | null;
    try {
      this.#library = koffi.load(path);
      api = this.#library.func('void *GetPjrtApi()')() as bigint | null;
    } catch (cause) {
      throw new EngineError(`${path} cannot be loaded as a PJRT plugin: ${(cause as Error).message}`, { cause });
    }
    if (!api) throw new EngineError(`${path} has no PJRT functions (GetPjrtApi gave null).`);
    const header = new DataView(koffi.view(api, tableHeader));
    const size = Number(header.getBigUint64(0, true));
    this.version = `${header.getInt32(32, true)}.${header.getInt32(36, true)}`;
    this.#table = [...new BigUint64Array(koffi.view(api + BigInt(tableHeader), size - tableHeader))];
  }

  has(name: FunctionName): boolean {
    const address = this.#table[functionNames.indexOf(name)];
    return address !== undefined && address !== 0n;
  }

  /**
   * Call a function; it keeps this thread until it returns.
   *
   * @returns the members of the argument struct afterwards.
   * @throws PluginError - with the plugin's message.
   */
  call<N extends Callable>(name: N, values: Arguments<N>): Output<Layouts[N]> {
    const bytes = this.#arguments(name, values);
    const error = this.#function(name)(addressOf(bytes)) as bigint | null;
    if (!error || withoutError.has(name)) return decode(argumentLayouts[name], bytes) as Output<Layouts[N]>;
    const failure = this.#failure(name, error);
    if (this.#learnSize(name, failure)) return this.call(name, values);
    throw failure;
  }

  /** {@link call} on another thread, for what may take long. */
  async callAsync<N extends Callable>(name: N, values: Arguments<N>): Promise<Output<Layouts[N]>> {
    const bytes = this.#arguments(name, values);
    const call = this.#function(name);
    const error = await new Promise<bigint | null>((resolve, reject) =>
      call.async(addressOf(bytes), (cause: Error | null, result: bigint | null) => (cause ? reject(cause) : resolve(result))),
    );
    if (!error) return decode(argumentLayouts[name], bytes) as Output<Layouts[N]>;
    const failure = this.#failure(name, error);
    if (this.#learnSize(name, failure)) return this.callAsync(name, values);
    throw failure;
  }

  /** Call a destructor that came with what it destroys. */
  destroyWith(destructor: bigint, object: bigint): void {
    if (destructor !== 0n) (koffi.decode(destructor, destructorType()) as KoffiFunction)(object);
  }

  #arguments(name: Callable, values: object): Uint8Array<ArrayBuffer> {
    const fields = argumentLayouts[name];
    const size = Math.max(layout(fields).size, this.#sizes.get(name) ?? 0);
    return encode(fields, { struct_size: size, ...values } as Input<typeof fields>, size);
  }

  #function(name: Callable): KoffiFunction {
    let call = this.#functions.get(name);
    if (!call) {
      if (!this.has(name)) {
        throw new EngineError(
          `the PJRT plugin ${this.path} has no ${name}: it was built with version ${this.version} of the C API; install a newer one.`,
        );
      }
      call = koffi.decode(this.#table[functionNames.indexOf(name)], functionType()) as KoffiFunction;
      this.#functions.set(name, call);
    }
    return call;
  }

  /** Read an error and free it. */
  #failure(name: string, error: bigint): PluginError {
    const { message, message_size } = this.call('PJRT_Error_Message', { error });
    const text = textAt(message, message_size);
    const { code } = this.call('PJRT_Error_GetCode', { error });
    this.call('PJRT_Error_Destroy', { error });
    const codeName = errorCodes[code] ?? `error ${code}`;
    return new PluginError(`${this.name}, ${name}: ${codeName}: ${text.trim()}`, codeName);
  }

  /** Whether the error says that the plugin's own struct is longer than the one we passed; its size is kept. */
  #learnSize(name: Callable, { message }: PluginError): boolean {
    const [, expected] = new RegExp(`Unexpected ${name}_Args size: expected (\\d+), got \\d+`).exec(message) ?? [];
    const size = Number(expected);
    if (!(size > (this.#sizes.get(name) ?? layout(argumentLayouts[name]).size))) return false;
    this.#sizes.set(name, size);
    return true;
  }
}

let functionProto: ReturnType<typeof koffi.proto> | undefined;
let destructorProto: ReturnType<typeof koffi.proto> | undefined;

/** `PJRT_Error *PJRT_…(PJRT_…_Args *)`. */
const functionType = () => (functionProto ??= koffi.proto('void *', ['void *']));
const destructorType = () => (destructorProto ??= koffi.proto('void', ['void *']));
