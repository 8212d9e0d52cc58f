import type { ColourReply } from './colour-worker';
import type { ColourRequest, Colours } from './pca-colours';

let worker: Worker | undefined;
let nextId = 0;
const waiting = new Map<number, { resolve(colours: Colours): void; reject(error: Error): void }>();

/** Have patches coloured off the main thread. */
export function askColours(request: ColourRequest): Promise<Colours> {
  worker ??= start();
  const id = nextId++;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker!.postMessage({ id, request });
  });
}

function start(): Worker {
  const started = new Worker('/colour-worker.js', { type: 'module' });
  started.onmessage = ({ data: { id, colours, problem } }: MessageEvent<ColourReply>) => {
    const pending = waiting.get(id);
    waiting.delete(id);
    if (colours !== undefined) pending?.resolve(colours);
    else pending?.reject(new Error(problem));
  };
  return started;
}
