import { colouring } from './colouring';
import { PatchModel } from './patch-model';
import type { Failure, PatchFeatures, Requests } from './protocol';

type Handlers = { [K in keyof Requests]: (message: Requests[K]['message']) => Promise<Requests[K]['reply']> };

let model: PatchModel | undefined;
let features: PatchFeatures | undefined;

const handlers: Handlers = {
  async load({ runtime, model: file }) {
    model = await PatchModel.open(runtime, file);
    return model.facts;
  },
  async features({ pixels, height, width }) {
    features = await model!.features(pixels, { height, width });
    return features;
  },
  async colours({ side }) {
    return colouring(features!, side);
  },
};

addEventListener('message', async ({ data: { id, kind, message } }: MessageEvent) => {
  try {
    const reply: unknown = await handlers[kind as keyof Requests](message as never);
    postMessage({ id, reply });
  } catch (error) {
    postMessage({ id, failure: failureOf(error) });
  }
});

function failureOf(error: unknown): Failure {
  // ONNX Runtime throws the address of a C++ exception when memory runs out inside a kernel, and says that
  // an integer overflows when a tensor is above 4 GiB.
  if (typeof error === 'number') return { reason: 'memory ran out', outOfMemory: true };
  const message = error instanceof Error ? error.message : String(error);
  const reason = message.replace(/^.*ERROR_MESSAGE: /s, '').replace(/\.$/, '');
  const outOfMemory = error instanceof RangeError || /memory|bad_alloc|aborted\(|integer overflow/i.test(message);
  return { reason, outOfMemory };
}
