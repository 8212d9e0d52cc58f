import type { Failure, ModelFacts, Requests } from './protocol';

/** Why a request was not fulfilled. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly outOfMemory: boolean;

  constructor({ reason, outOfMemory }: Failure) {
    super(reason);
    this.outOfMemory = outOfMemory;
  }
}

/** A model in a worker, so that the page stays responsive while it computes. */
export class Engine {
  private nextId = 0;
  private readonly waiting = new Map<number, { resolve: (reply: never) => void; reject: (error: Error) => void }>();

  private constructor(private readonly worker: Worker) {
    worker.onmessage = ({ data: { id, reply, failure } }: MessageEvent<{ id: number; reply: never; failure?: Failure }>) => {
      const { resolve, reject } = this.waiting.get(id)!;
      this.waiting.delete(id);
      if (failure === undefined) resolve(reply);
      else reject(new EngineError(failure));
    };
    worker.onerror = ({ message }) => {
      const error = new EngineError({ reason: message, outOfMemory: /memory/i.test(message) });
      for (const { reject } of this.waiting.values()) reject(error);
      this.waiting.clear();
    };
  }

  /** @throws EngineError when the model cannot be used. */
  static async start(code: string, runtime: Blob, model: Blob): Promise<{ engine: Engine; facts: ModelFacts }> {
    // A worker of the classic kind: Chromium starts no module worker for a page that is a file.
    const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
    const engine = new Engine(new Worker(url));
    try {
      return { engine, facts: await engine.ask('load', { runtime, model }) };
    } catch (error) {
      engine.stop();
      throw error;
    } finally {
      URL.revokeObjectURL(url);
    }
  }

  ask<K extends keyof Requests>(kind: K, message: Requests[K]['message']): Promise<Requests[K]['reply']> {
    return new Promise((resolve, reject) => {
      const id = this.nextId++;
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, kind, message });
    });
  }

  stop(): void {
    this.worker.terminate();
  }
}
