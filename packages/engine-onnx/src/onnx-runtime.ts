import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import { onnxType, type ElementType } from './element-type';
import { EngineError } from './errors';

/**
 * Places of the functions we call in ONNX Runtime's `OrtApi` table. The table only grows at its end:
 * these numbers hold for every version since 1.4.
 */
const slots = {
  getErrorMessage: [2, 'const char *getErrorMessage(void *status)'],
  createSessionFromArray: [8, 'void *createSessionFromArray(void *env, void *model, size_t bytes, void *options, void *out)'],
  run: [
    9,
    'void *run(void *session, void *options, void *inputNames, void *inputs, size_t inputCount, void *outputNames, size_t outputCount, void *outputs)',
  ],
  createSessionOptions: [10, 'void *createSessionOptions(void *out)'],
  disableMemPattern: [17, 'void *disableMemPattern(void *options)'],
  disableCpuMemArena: [19, 'void *disableCpuMemArena(void *options)'],
  setSessionLogSeverityLevel: [22, 'void *setSessionLogSeverityLevel(void *options, int level)'],
  setGraphOptimizationLevel: [23, 'void *setGraphOptimizationLevel(void *options, int level)'],
  setIntraOpNumThreads: [24, 'void *setIntraOpNumThreads(void *options, int threads)'],
  createTensorWithData: [
    49,
    'void *createTensorWithData(void *memoryInfo, void *data, size_t bytes, void *shape, size_t rank, int type, void *out)',
  ],
  createCpuMemoryInfo: [69, 'void *createCpuMemoryInfo(int allocator, int type, void *out)'],
  releaseEnv: [92, 'void releaseEnv(void *env)'],
  releaseStatus: [93, 'void releaseStatus(void *status)'],
  releaseMemoryInfo: [94, 'void releaseMemoryInfo(void *memoryInfo)'],
  releaseSession: [95, 'void releaseSession(void *session)'],
  releaseValue: [96, 'void releaseValue(void *value)'],
  releaseSessionOptions: [100, 'void releaseSessionOptions(void *options)'],
  createEnvWithGlobalThreadPools: [
    119,
    'void *createEnvWithGlobalThreadPools(int logLevel, const char *name, void *threading, void *out)',
  ],
  disablePerSessionThreads: [120, 'void *disablePerSessionThreads(void *options)'],
  createThreadingOptions: [121, 'void *createThreadingOptions(void *out)'],
  releaseThreadingOptions: [122, 'void releaseThreadingOptions(void *options)'],
  setGlobalIntraOpNumThreads: [147, 'void *setGlobalIntraOpNumThreads(void *options, int threads)'],
  setGlobalInterOpNumThreads: [148, 'void *setGlobalInterOpNumThreads(void *options, int threads)'],
  setGlobalSpinControl: [149, 'void *setGlobalSpinControl(void *options, int spin)'],
} as const;

type Pointer = bigint;
type Api = Readonly<Record<keyof typeof slots, (...parameters: unknown[]) => unknown>>;

/** Version of the `OrtApi` table that holds all of {@link slots}. */
const apiVersion = 17;
const logFatal = 4;

/** The library that comes inside the `onnxruntime-node` package. */
function libraryPath(): string {
  // The CommonJS build has no import.meta.
  const require = createRequire(typeof __filename === 'string' ? __filename : import.meta.url);
  const folder = join(
    dirname(require.resolve('onnxruntime-node/package.json')),
    `bin/napi-v6/${process.platform}/${process.arch}`,
  );
  let names: string[] = [];
  try {
    names = readdirSync(folder);
  } catch {
    // Answered below: there is no folder for this platform.
  }
  const name = names.find((file) => /^(libonnxruntime\.so|libonnxruntime\..*dylib$|onnxruntime\.dll$)/.test(file));
  if (name === undefined) {
    throw new EngineError(
      `onnxruntime-node has no library for ${process.platform}-${process.arch} (looked in ${folder}); use the eager engine on this platform.`,
    );
  }
  return join(folder, name);
}

/** Kept for as long as the process: koffi unloads a library whose object is collected, and the pointers with it. */
let loaded: { library: LibraryHandle; api: Api; version: string } | undefined;

function load(): NonNullable<typeof loaded> {
  if (loaded) return loaded;
  const library = koffi.load(libraryPath());
  const base = library.func('void *OrtGetApiBase()')() as Pointer;
  const [getApi, getVersion] = koffi.decode(base, koffi.array('void *', 2)) as [Pointer, Pointer];
  const table = koffi.decode(
    koffi.decode(getApi, koffi.proto('void *getApi(uint32_t version)'))(apiVersion),
    koffi.array('void *', 150),
  ) as Pointer[];
  const api = Object.fromEntries(
    Object.entries(slots).map(([name, [slot, signature]]) => [name, koffi.decode(table[slot], koffi.proto(signature))]),
  ) as unknown as Api;
  const version = koffi.decode(getVersion, koffi.proto('const char *getVersionString()'))() as string;
  return (loaded = { library, api, version });
}

/** C strings that must outlive every call that names them. */
const names = new Map<string, Uint8Array>();

/** An array of `char *`. */
export function nameList(list: readonly string[]): BigUint64Array {
  return BigUint64Array.from(list, (name) => {
    let bytes = names.get(name);
    if (!bytes) names.set(name, (bytes = new TextEncoder().encode(`${name}\0`)));
    return koffi.address(bytes) as bigint;
  });
}

/** Address of the first byte of a buffer. The buffer must not be moved or collected while it is used. */
export const addressOf = (buffer: ArrayBufferLike): bigint => koffi.address(new Uint8Array(buffer)) as bigint;

/** A session or tensor of ONNX Runtime. */
export type Handle = bigint;

/**
 * ONNX Runtime's CPU library through its C interface.
 *
 * `onnxruntime-node`'s own binding copies every output into a new array, even one that was written into a
 * caller's buffer: as much traffic as the work itself. The C interface writes where it is told,
 * costs a microsecond per call, and shares one thread pool between all sessions.
 */
export class OnnxRuntime {
  readonly version: string;
  readonly #api: Api;
  readonly #env: Handle;
  readonly #options: Handle;
  readonly #memory: Handle;
  readonly #out = new BigUint64Array(1);
  static #current: { runtime: OnnxRuntime; threads: number; users: number } | undefined;

  /** The runtime of this JavaScript thread. ONNX Runtime has one thread pool per process. */
  static acquire(threads: number): OnnxRuntime {
    const current = (this.#current ??= { runtime: new OnnxRuntime(threads), threads, users: 0 });
    if (current.threads !== threads) {
      throw new EngineError(
        `an engine with ${current.threads} threads exists in this process and this one asks for ${threads}; dispose of the first or use the same number.`,
      );
    }
    current.users++;
    return current.runtime;
  }

  static release(runtime: OnnxRuntime): void {
    const current = this.#current;
    if (current?.runtime !== runtime || --current.users > 0) return;
    runtime.#dispose();
    this.#current = undefined;
  }

  private constructor(threads: number) {
    const { api, version } = load();
    this.#api = api;
    this.version = version;
    const threading = this.#create(api.createThreadingOptions);
    // The first engine of any thread of the process makes the pool for all that have more than one thread.
    this.#check(api.setGlobalIntraOpNumThreads(threading, threads === 1 ? availableParallelism() : threads));
    this.#check(api.setGlobalInterOpNumThreads(threading, 1));
    this.#check(api.setGlobalSpinControl(threading, 1));
    this.#env = this.#create(api.createEnvWithGlobalThreadPools, logFatal, 'dinov2', threading);
    api.releaseThreadingOptions(threading);
    this.#options = this.#create(api.createSessionOptions);
    // A session with one thread of its own runs on the caller's, whatever pool the process has.
    if (threads === 1) this.#check(api.setIntraOpNumThreads(this.#options, 1));
    else this.#check(api.disablePerSessionThreads(this.#options));
    this.#check(api.disableMemPattern(this.#options));
    this.#check(api.disableCpuMemArena(this.#options));
    this.#check(api.setGraphOptimizationLevel(this.#options, 0));
    this.#check(api.setSessionLogSeverityLevel(this.#options, logFatal));
    this.#memory = this.#create(api.createCpuMemoryInfo, 0, 0);
  }

  createSession(model: Uint8Array): Handle {
    try {
      return this.#create(this.#api.createSessionFromArray, this.#env, model, model.byteLength, this.#options);
    } catch (error) {
      // A process has one environment of ONNX Runtime, and that of onnxruntime-node has no thread pool to share.
      if (!(error as Error).message.includes('EnvCreatedWithGlobalThreadPools')) throw error;
      throw new EngineError(
        'onnxruntime-node made a session in this process before the engine was created; call onnxEngine() first, or use it in another process.',
      );
    }
  }

  releaseSession(session: Handle): void {
    this.#api.releaseSession(session);
  }

  /** A tensor over memory that stays the caller's. */
  createTensor(address: bigint, bytes: number, shape: readonly number[], type: ElementType): Handle {
    const dimensions = BigInt64Array.from(shape, BigInt);
    return this.#create(
      this.#api.createTensorWithData,
      this.#memory,
      address,
      bytes,
      dimensions,
      shape.length,
      onnxType[type],
    );
  }

  releaseTensor(tensor: Handle): void {
    this.#api.releaseValue(tensor);
  }

  /** Run a session on tensors given as arrays of handles; outputs are written in place. */
  run(
    session: Handle,
    inputNames: BigUint64Array,
    inputs: BigUint64Array,
    outputNames: BigUint64Array,
    outputs: BigUint64Array,
  ): void {
    const status = this.#api.run(
      session,
      null,
      inputNames,
      inputs,
      inputs.length,
      outputNames,
      outputs.length,
      outputs,
    );
    if (status) this.#check(status);
  }

  #create(create: (...parameters: unknown[]) => unknown, ...parameters: unknown[]): Handle {
    this.#check(create(...parameters, this.#out));
    return this.#out[0];
  }

  #check(status: unknown): void {
    if (!status) return;
    const message = this.#api.getErrorMessage(status) as string;
    this.#api.releaseStatus(status);
    throw new EngineError(`ONNX Runtime: ${message.trim()}`);
  }

  #dispose(): void {
    this.#api.releaseMemoryInfo(this.#memory);
    this.#api.releaseSessionOptions(this.#options);
    this.#api.releaseEnv(this.#env);
  }
}
