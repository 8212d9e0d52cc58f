import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { existsSync, statSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { openSource } from '@dinov2/data';
import { getRequestListener } from '@hono/node-server';
import { ProbeError } from '../error';
import { defaultCache } from '../inputs/defaults';
import { type NamedWeights, readWeights } from '../inputs/weights';
import { Pictures } from './pictures';
import { labels, ViewedModel } from './viewed-model';
import { viewerApp } from './viewer-app';

export interface ViewerOptions {
  /** One or two: run folders, or weights as `loadPretrained` takes them. */
  readonly weights: readonly string[];
  /** Folder or list of images. */
  readonly images: string;
  /** Folders of runs whose training curves are shown; by default, the weights that are runs. */
  readonly runs?: readonly string[];
  /** By default 8470, or any when that is taken. 0 is any. */
  readonly port?: number;
  /** Folder that keeps features, pictures and maps; by default the one of all commands. */
  readonly cache?: string;
  /** Side of the pictures that the network sees, in pixels; by default the weights' own, and at least 16 patches. */
  readonly size?: number;
  /** Threads that extract features; by default one per core. */
  readonly workers?: number;
  /** Bytes of memory for the search for patches, for each file of weights; 2 GiB by default. Images beyond it are not searched. */
  readonly searchMemory?: number;
}

export interface Viewer {
  /** Where the page is. */
  readonly url: string;
  /** When the features of all weights are there; rejects if they could not be made. */
  readonly ready: Promise<void>;
  /** Stop the server and its threads. */
  close(): Promise<void>;
}

const PORT = 8470;

/**
 * Serve the viewer on 127.0.0.1. It answers at once; features are computed while the page is open.
 *
 * @throws ProbeError, DataError or WeightsError for wrong paths and options.
 */
export async function startViewer(options: ViewerOptions): Promise<Viewer> {
  const { searchMemory = 2 * 2 ** 30, cache = defaultCache() } = options;
  if (options.weights.length < 1 || options.weights.length > 2) {
    throw new ProbeError(`${options.weights.length} files of weights; pass --weights once, or twice to see two side by side`);
  }
  const source = openSource(options.images);
  const weights: NamedWeights[] = [];
  for (const path of options.weights) weights.push(await readWeights(path));
  const runs = (options.runs ?? options.weights.filter(hasMetrics)).map((path) => {
    if (!existsSync(path) || !statSync(path).isDirectory()) throw new ProbeError(`no run folder at ${path}; pass --run the folder that --out of dinov2-pretrain named`);
    return { name: basename(resolve(path)), path };
  });

  const listeners = new Set<() => void>();
  const names = labels(weights);
  const models = weights.map(
    (found, i) =>
      new ViewedModel(found, {
        label: names[i]!,
        source,
        cache,
        size: options.size,
        workers: options.workers,
        searchMemory,
        onChange: () => listeners.forEach((listener) => listener()),
      }),
  );

  const closed = new AbortController();
  let hosts: string[] = [];
  const folder = resolve(options.images);
  const root = statSync(folder).isDirectory() ? folder : join(folder, '..');
  const app = viewerApp({
    folder: basename(folder),
    names: source.paths.map((path) => shortPath(root, path)),
    labels: Array.from(source.labels),
    classes: source.classes,
    models,
    runs,
    pictures: new Pictures(source, join(cache, 'pictures')),
    hosts: () => hosts,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    signal: closed.signal,
  });
  const server = createServer(getRequestListener(app.fetch));
  const port = await listen(server, options.port);
  hosts = [`127.0.0.1:${port}`, `localhost:${port}`];

  const ready = extractAll(models);
  ready.catch(() => {}); // the page tells of it; a caller that does not wait need not catch it
  return {
    url: `http://127.0.0.1:${port}/`,
    ready,
    async close() {
      closed.abort();
      await Promise.all(models.map((model) => model.close()));
      await ready.catch(() => {}); // an extraction that was under way gives its threads back
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** One after another: each uses all cores. */
async function extractAll(models: readonly ViewedModel[]): Promise<void> {
  for (const model of models) await model.extract();
}

function hasMetrics(path: string): boolean {
  return existsSync(join(path, 'metrics.jsonl'));
}

function shortPath(root: string, path: string): string {
  const short = relative(root, path);
  return short.startsWith('..') ? path : short;
}

async function listen(server: ReturnType<typeof createServer>, port: number | undefined): Promise<number> {
  const attempt = (wanted: number) =>
    new Promise<number>((done, fail) => {
      server.once('error', fail);
      server.listen(wanted, '127.0.0.1', () => {
        server.off('error', fail);
        done((server.address() as AddressInfo).port);
      });
    });
  try {
    return await attempt(port ?? PORT);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' && port === undefined) return attempt(0);
    throw new ProbeError(`the viewer cannot listen on port ${port}: ${message}; pass another --port, or none`);
  }
}
