import { loadBackend } from './backend';
import { backendChoices } from './choices';

/** An engine of this machine, or one that it could have. */
export interface EngineListing {
  /** What `--engine` calls it. */
  readonly engine: string;
  readonly usable: boolean;
  /** What it is, or why it cannot be used. */
  readonly text: string;
  /** What would make it usable. */
  readonly remedy?: string;
}

const message = (error: unknown): string => (error as Error).message.trim();

/** Every engine, in the order in which `auto` prefers them, but for `tensorflow`, which it does not take. Starts none on an accelerator. */
export async function listEngines(): Promise<EngineListing[]> {
  return [...(await xla()), await onnx(), await tensorflow(), ...(await eager())];
}

async function xla(): Promise<EngineListing[]> {
  const { findPlugins } = await import('@dinov2/engine-xla');
  return (await findPlugins()).map(({ kind, path, version, usable, reason, remedy }) => ({
    engine: 'xla',
    usable,
    text: [`${kind}${version === undefined ? '' : ` ${version}`}`, path, reason].filter((part) => part !== undefined).join(', '),
    ...(remedy !== undefined && { remedy }),
  }));
}

async function onnx(): Promise<EngineListing> {
  try {
    const { onnxEngine } = await import('@dinov2/engine-onnx');
    const engine = onnxEngine();
    const { runtime, device } = engine.info;
    await engine.dispose();
    return { engine: 'onnx', usable: true, text: `${runtime} on ${device}` };
  } catch (error) {
    return { engine: 'onnx', usable: false, text: message(error) };
  }
}

async function tensorflow(): Promise<EngineListing> {
  try {
    const { tensorflowEngine } = await import('@dinov2/engine-tensorflow');
    const engine = await tensorflowEngine();
    const { runtime, device } = engine.info;
    await engine.dispose();
    return { engine: 'tensorflow', usable: true, text: `${runtime} on ${device}` };
  } catch (error) {
    const [text, ...remedy] = message(error).split(/(?<=\.) (?=Build )/);
    return { engine: 'tensorflow', usable: false, text: text!, ...(remedy.length > 0 && { remedy: remedy.join(' ') }) };
  }
}

async function eager(): Promise<EngineListing[]> {
  return Promise.all(
    [...backendChoices].reverse().map(async (backend) => ({
      engine: 'eager',
      usable: await loadBackend(backend),
      text: `TensorFlow.js op by op, backend ${backend}`,
      ...(backend === 'wasm' && { remedy: 'npm install @tensorflow/tfjs-backend-wasm' }),
    })),
  );
}
