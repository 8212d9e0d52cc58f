import { EvaluationError } from '../error';
import { logisticModule } from './module';
import { createShard, type Shard, type ShardData } from './shard';

/** The methods of a {@link Shard} over rows that several threads hold. */
export interface ShardedRows {
  evaluate(coefficients: Float64Array): Promise<ReturnType<Shard['evaluate']>>;
  metric(coefficients: Float64Array): Promise<Float64Array>;
  close(): Promise<void>;
}

// Below this many multiply-adds, some five milliseconds, waiting for threads on a busy machine costs more than they save.
const SMALL = 5e7;

/**
 * Rows spread over `threads` worker threads, or held here where one is enough or the platform (a browser) has no
 * node:worker_threads.
 */
export function shardRows(data: ShardData, threads = defaultThreads()): ShardedRows {
  const rows = data.labels.length;
  const small = 2 * rows * data.classes * data.dim < SMALL;
  const workerThreads = small || threads < 2 ? undefined : builtin('node:worker_threads');
  if (workerThreads === undefined) {
    const shard = createShard(logisticModule(), data);
    const breathe = breather();
    return {
      evaluate: async (coefficients) => {
        await breathe();
        return shard.evaluate(coefficients);
      },
      metric: async (coefficients) => shard.metric(coefficients),
      close: async () => {},
    };
  }

  const workers = Array.from({ length: threads }, (_, i) => {
    const first = Math.floor((rows * i) / threads);
    const end = Math.floor((rows * (i + 1)) / threads);
    const part: ShardData = {
      ...data,
      features: data.features.slice(first * data.dim, end * data.dim),
      labels: data.labels.slice(first, end),
    };
    return new workerThreads.Worker(workerText, { eval: true, workerData: { module: logisticModule(), part } });
  });
  const ended = new Promise<never>((_, reject) => {
    const fail = (cause: unknown) => reject(new EvaluationError(`a thread of the logistic regression ended: ${cause}`, { cause }));
    for (const worker of workers) worker.on('error', fail).on('exit', (code) => fail(`exit code ${code}`));
  });
  ended.catch(() => undefined); // closing ends the threads too
  const ask = <M extends 'evaluate' | 'metric'>(method: M, coefficients: Float64Array) =>
    Promise.race([
      ended,
      Promise.all(
        workers.map((worker) => {
          worker.postMessage({ method, coefficients });
          return new Promise<ReturnType<Shard[M]>>((resolve) => worker.once('message', resolve));
        }),
      ),
    ]);
  return {
    async evaluate(coefficients) {
      const [sum, ...others] = await ask('evaluate', coefficients);
      for (const { loss, gradient } of others) {
        sum!.loss += loss;
        add(sum!.gradient, gradient);
      }
      return sum!;
    },
    async metric(coefficients) {
      const [sum, ...others] = await ask('metric', coefficients);
      for (const other of others) add(sum!, other);
      return sum!;
    },
    close: async () => void (await Promise.all(workers.map((worker) => worker.terminate()))),
  };
}

// A thread is started from text and not from a file, so that the package stays one file for any bundler. Bundlers
// that keep function names call __name inside functions.
const workerText = `
  const { parentPort, workerData } = require('node:worker_threads');
  const __name = (value) => value;
  const shard = (${createShard.toString()})(workerData.module, workerData.part);
  parentPort.on('message', ({ method, coefficients }) => parentPort.postMessage(shard[method](coefficients)));
`;

/** Lets timers and signals of this thread have their turn now and then. */
function breather(): () => Promise<void> | undefined {
  let last = performance.now();
  return () => {
    if (performance.now() - last < 50) return undefined;
    return new Promise((resolve) =>
      setTimeout(() => {
        last = performance.now();
        resolve();
      }, 0),
    );
  };
}

function defaultThreads(): number {
  return builtin('node:os')?.availableParallelism() ?? 1;
}

/** A module of Node, or nothing where there is none. An import would keep this package out of browsers. */
function builtin<T extends 'node:worker_threads' | 'node:os'>(name: T) {
  return globalThis.process?.getBuiltinModule?.(name);
}

function add(sum: Float64Array, other: Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += other[i]!;
}
