import { parentPort, workerData } from 'node:worker_threads';
import { onnxEngine } from '@dinov2/engine-onnx';
import type { HostArray } from '@dinov2/vit';
import { CompiledBackbone } from './compiled-backbone';
import type { Answer, Request, WorkerSetup } from './messages';
import type { Tokens } from './types';

const { config, parameters, outputs, threads, programs } = workerData as WorkerSetup;
const port = parentPort!;
const answer = (message: Answer, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

try {
  const engine = onnxEngine({ threads });
  const backbone = new CompiledBackbone(engine, config, parameters, outputs, programs);
  const compute = async (images: HostArray): Promise<void> => {
    try {
      const tokens = await backbone.run(images);
      answer({ tokens }, buffers(tokens));
    } catch (error) {
      answer({ failure: describe(error) });
    }
  };
  const end = async (): Promise<void> => {
    // Memory outside of JavaScript does not end with the thread.
    backbone.close();
    await engine.dispose();
    port.close();
  };
  let last = Promise.resolve();
  port.on('message', (request: Request) => {
    last = last.then(() => (request === 'close' ? end() : compute(request)));
  });
  answer('ready');
} catch (error) {
  answer({ failure: describe(error) });
}

function buffers({ classTokens, meanPatch, patchTokens, attention }: Tokens): ArrayBuffer[] {
  return [classTokens, meanPatch, patchTokens, attention].flatMap((array) => (array ? [array.data.buffer as ArrayBuffer] : []));
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
