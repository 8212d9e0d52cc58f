import { eagerEngine, type Engine, float32, type Mesh, mixedPrecision } from '@dinov2/jit';
import type { DistributedOptions } from '@dinov2/engine-xla';
import { AppError } from '../error';
import { backendPackages, loadBackend } from './backend';
import type { BackendChoice, EngineRequest, HostsRequest, PickedEngine, PrecisionChoice } from './choices';

/**
 * The engine that a user asks for. `auto` is XLA where a plugin finds an accelerator, else ONNX Runtime where it has a
 * library for this machine. Loads TensorFlow.js with its gradients.
 *
 * @throws AppError if choices contradict each other or something is not installed.
 */
export async function pickEngine(request: EngineRequest = {}): Promise<PickedEngine> {
  const tf = await import('@tensorflow/tfjs');
  // The banner of the plain CPU backend says to install what these programs do not need.
  tf.enableProdMode();
  contradictions(request);
  const { engine: wanted = 'auto', backend = null, plugin = null, precision = 'auto' } = request;
  if (wanted === 'eager' || backend !== null) {
    return pickEager(backend, wanted === 'eager' ? 'asked for with --engine eager' : 'a backend was named', precision);
  }
  if (wanted === 'tensorflow') {
    const { tensorflowEngine } = await import('@dinov2/engine-tensorflow');
    await tf.ready();
    return picked(await tensorflowEngine(), 'asked for with --engine tensorflow', precision);
  }
  if (wanted === 'xla' || plugin !== null) return pickXla(request, wanted === 'xla' ? 'asked for with --engine xla' : 'a plugin was named');
  if (wanted === 'auto') {
    const { findPlugins } = await import('@dinov2/engine-xla');
    const found = (await findPlugins()).find(({ usable, path }) => usable && path !== undefined);
    if (found !== undefined) return pickXla({ ...request, plugin: found.path! }, `a plugin for ${found.kind} devices is here`);
  }
  const { EngineError, onnxEngine } = await import('@dinov2/engine-onnx');
  try {
    const engine = onnxEngine();
    await tf.ready();
    return picked(engine, wanted === 'onnx' ? 'asked for with --engine onnx' : 'compiled steps on ONNX Runtime are the fastest way on a CPU', precision);
  } catch (error) {
    if (!(error instanceof EngineError) || wanted === 'onnx') throw error;
    return pickEager(null, `ONNX Runtime cannot be used: ${error.message}`, precision);
  }
}

function contradictions({ engine = 'auto', backend = null, plugin = null, mesh = null, hosts }: EngineRequest): void {
  if (backend !== null && engine !== 'auto' && engine !== 'eager') {
    throw new AppError('--backend names a TensorFlow.js backend, which only --engine eager uses; leave out one of them');
  }
  for (const [option, value] of [['--plugin', plugin], ['--mesh', mesh]] as const) {
    if (value !== null && ((engine !== 'auto' && engine !== 'xla') || backend !== null)) throw new AppError(`${option} is for --engine xla; leave out one of them`);
  }
  if (hosts !== undefined && engine !== 'xla') throw new AppError('--store joins processes on several hosts, which only --engine xla does; add it');
  if (mesh !== null && plugin === null && engine !== 'xla') throw new AppError('--mesh spreads a run over devices, which only --engine xla does; add it');
}

async function pickXla(request: EngineRequest, reason: string): Promise<PickedEngine> {
  const tf = await import('@tensorflow/tfjs');
  const { findPlugins, xlaEngine } = await import('@dinov2/engine-xla');
  // One without a device is not tried: libtpu waits ten minutes for a TPU to appear.
  const plugins = request.plugin === undefined || request.plugin === null ? await findPlugins() : [];
  const path = request.plugin ?? plugins.find(({ usable }) => usable)?.path;
  if (path === undefined) {
    const reasons = plugins.map(({ kind, reason }) => `${kind}: ${reason}`).join('; ');
    throw new AppError(`no PJRT plugin can be used (${reasons}); \`dinov2-pretrain engines\` says what would change that, --plugin PATH names one`);
  }
  await tf.ready();
  const engine = await xlaEngine({
    plugin: path,
    mesh: request.mesh ?? ((devices): Mesh | undefined => (devices === 1 ? undefined : { data: 1, fsdp: devices })),
    ...(request.hosts && { distributed: await meetingPoint(request.hosts) }),
  });
  return picked(engine, reason, request.precision ?? 'auto', engine.platform !== 'cpu');
}

async function meetingPoint({ store, index, count, run }: HostsRequest): Promise<DistributedOptions> {
  const { etcdStore, redisStore } = await import('@dinov2/engine-xla');
  const isRedis = /^rediss?:/.test(store);
  return { process: index, processes: count, run, store: isRedis ? await redisStore({ url: store }) : await etcdStore({ endpoints: store.split(',') }) };
}

async function pickEager(backend: BackendChoice | null, reason: string, precision: PrecisionChoice): Promise<PickedEngine> {
  const tf = await import('@tensorflow/tfjs');
  for (const name of backend === null ? (['tensorflow', 'wasm', 'cpu'] as const) : [backend]) {
    if (!(await loadBackend(name))) continue;
    await tf.setBackend(name);
    await tf.ready();
    return picked(eagerEngine({ backend: name }), `${reason}; backend ${name}${backend === null ? ', the fastest installed' : ''}`, precision);
  }
  throw new AppError(
    `the TensorFlow.js backend ${backend} is not installed; run \`npm install ${backendPackages[backend!].join('` or `npm install ')}\``,
  );
}

/** With the precision that was asked for, which has to be one that the engine computes in. */
function picked(engine: Engine, reason: string, precision: PrecisionChoice, isAccelerator = false): PickedEngine {
  const { name } = engine.info;
  if (precision === 'auto' || precision === 'float32') return { engine, reason, precision: precision === 'auto' && isAccelerator ? mixedPrecision('bfloat16') : float32 };
  if (name !== 'xla' && name !== 'tensorflow') throw new AppError(`the engine ${name} computes in float32 only; --precision ${precision} needs --engine xla or tensorflow`);
  return { engine, reason, precision: mixedPrecision(precision) };
}
