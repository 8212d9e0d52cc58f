import { env, InferenceSession, Tensor } from 'onnxruntime-web/wasm';
import type { ModelFacts, PatchFeatures } from './protocol';

// A size that every usual patch divides: 7, 8, 14, 16, 28.
const probeSide = 112;
const mostOtherTokens = 17; // the class token and registers

/** A vision transformer in an ONNX file: `pixel_values` in, tokens out, patches last. */
export class PatchModel {
  private constructor(
    private readonly session: InferenceSession,
    readonly facts: ModelFacts,
    /** Class token and registers. */
    private readonly otherTokens: number,
  ) {}

  /** @throws Error with a sentence for people when the file is no model, or one of another kind. */
  static async open(runtime: Blob, model: Blob): Promise<PatchModel> {
    env.wasm.wasmBinary = await runtime.arrayBuffer();
    env.wasm.numThreads = 1; // threads need a page that a server isolates from other origins
    env.logLevel = 'fatal';
    const session = await InferenceSession.create(new Uint8Array(await model.arrayBuffer()), {
      executionProviders: ['wasm'],
      logSeverityLevel: 4,
    });
    const [input, ...others] = session.inputMetadata;
    if (input === undefined || !input.isTensor || others.length > 0) {
      throw new Error(`it takes ${session.inputNames.join(', ') || 'nothing'}, where one input of pixels was expected`);
    }
    const [, channels, height, width] = input.shape;
    if (input.type !== 'float32' || input.shape.length !== 4 || (typeof channels === 'number' && channels !== 3)) {
      throw new Error(`its input ${input.name} is ${input.type} [${input.shape.join(', ')}], not float32 [batch, 3, height, width]`);
    }
    const fixedSize = typeof height === 'number' && typeof width === 'number' ? { height, width } : undefined;
    const size = fixedSize ?? { height: probeSide, width: probeSide };
    const tokens = await run(session, new Float32Array(3 * size.height * size.width), size);
    const { patchSize, otherTokens } = patchSizeOf(tokens.dims[1]!, size);
    return new PatchModel(session, { patchSize, ...(fixedSize && { fixedSize }) }, otherTokens);
  }

  /** @param pixels - (3, height, width) normalised; sides are multiples of the patch. */
  async features(pixels: Float32Array, size: { height: number; width: number }): Promise<PatchFeatures> {
    const start = performance.now();
    const tokens = await run(this.session, pixels, size);
    const milliseconds = performance.now() - start;
    const rows = size.height / this.facts.patchSize;
    const columns = size.width / this.facts.patchSize;
    // A patch that does not divide the probe may have been taken for another one.
    if (tokens.dims[1] !== this.otherTokens + rows * columns) {
      throw new Error(`it makes ${tokens.dims[1]} tokens of ${size.width} × ${size.height} pixels, which patches of ${this.facts.patchSize} do not explain`);
    }
    const values = tokens.data as Float32Array;
    return { rows, columns, data: values.slice(values.length - rows * columns * tokens.dims[2]!), milliseconds };
  }
}

async function run(session: InferenceSession, pixels: Float32Array, { height, width }: { height: number; width: number }): Promise<Tensor> {
  const output = await session.run({ [session.inputNames[0]!]: new Tensor('float32', pixels, [1, 3, height, width]) });
  const tokens = output['last_hidden_state'] ?? output[session.outputNames[0]!]!;
  if (tokens.type !== 'float32' || tokens.dims.length !== 3) {
    throw new Error(`its output is ${tokens.type} [${tokens.dims.join(', ')}], not float32 [batch, tokens, features]`);
  }
  return tokens;
}

/** The patch that leaves a class token and at most 16 registers over. */
function patchSizeOf(tokens: number, { height, width }: { height: number; width: number }): { patchSize: number; otherTokens: number } {
  for (let patchSize = 4; patchSize <= Math.min(height, width); patchSize++) {
    const otherTokens = tokens - (height / patchSize) * (width / patchSize);
    if (height % patchSize === 0 && width % patchSize === 0 && otherTokens >= 1 && otherTokens <= mostOtherTokens) return { patchSize, otherTokens };
  }
  throw new Error(`it makes ${tokens} tokens of ${width} × ${height} pixels, which no square patch explains`);
}
