import { readFileSync } from 'node:fs';
import { type Context, Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { streamSSE } from 'hono/streaming';
import { builtFile } from './built-file';
import { headers, onlyHost } from './guard';
import type { Pictures } from './pictures';
import type { ViewerState } from './protocol';
import { packRows } from './quantise';
import { followMetrics } from './run-metrics';
import type { ViewedModel } from './viewed-model';

export interface ViewerAppOptions {
  readonly folder: string;
  readonly names: readonly string[];
  readonly labels: readonly number[];
  readonly classes: readonly string[];
  readonly models: readonly ViewedModel[];
  readonly runs: readonly { readonly name: string; readonly path: string }[];
  readonly pictures: Pictures;
  /** Accepted values of the Host header. */
  hosts(): readonly string[];
  /** Call `listener` when the state of a model changes; returns how to stop. */
  subscribe(listener: () => void): () => void;
  readonly signal: AbortSignal;
}

/** The page's files: nothing else is ever read by name. */
const pageFiles = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/main.js': ['main.js', 'text/javascript; charset=utf-8'],
  '/main.css': ['main.css', 'text/css; charset=utf-8'],
  '/colour-worker.js': ['colour-worker.js', 'text/javascript; charset=utf-8'],
} as const;

/** Neighbours in an answer. */
const MOST_NEIGHBOURS = 2000;

/** Widths of pictures that may be asked for, so that the cache stays small. */
const widths = [160, 320, 640, 1024];

/** Everything that the server answers. Images, models and runs are asked for by number. */
export function viewerApp(options: ViewerAppOptions): Hono {
  const { models, names, pictures, runs } = options;
  const app = new Hono();
  app.use(headers);
  app.use(onlyHost(options.hosts));

  for (const [route, [name, type]] of Object.entries(pageFiles)) {
    const content = readFileSync(builtFile(`viewer/${name}`));
    app.get(route, (context) => context.body(content, 200, { 'content-type': type, 'cache-control': 'no-cache' }));
  }

  const state = (): ViewerState => ({
    folder: options.folder,
    names,
    labels: options.labels,
    classes: options.classes,
    models: models.map((model) => model.state),
    runs: runs.map(({ name }) => name),
  });
  app.get('/api/state', (context) => context.json(state()));

  app.get('/api/progress', (context) =>
    streamSSE(context, async (stream) => {
      const write = () => stream.writeSSE({ data: JSON.stringify(models.map((model) => model.state.progress)) });
      let changed = true;
      const stop = options.subscribe(() => (changed = true));
      stream.onAbort(stop);
      while (!stream.aborted && !options.signal.aborted) {
        if (changed) {
          changed = false;
          await write();
        }
        await stream.sleep(200);
      }
      stop();
    }),
  );

  app.get('/api/picture/:model/:image', async (context) => {
    const width = Number(context.req.query('width'));
    if (!widths.includes(width)) throw new HTTPException(400, { message: `width is one of ${widths.join(', ')}` });
    const image = number(context, 'image', names.length);
    const jpeg = await pictures.jpeg(image, modelOf(context).geometry, width).catch(() => {
      throw new HTTPException(404, { message: `${names[image]} cannot be read` });
    });
    return context.body(new Uint8Array(jpeg), 200, { 'content-type': 'image/jpeg', 'cache-control': 'private, max-age=3600' });
  });

  app.get('/api/tokens/:model/:image', async (context) => {
    const tokens = await modelOf(context).tokens(number(context, 'image', names.length));
    return binary(context, tokens && packRows(tokens));
  });

  app.get('/api/attention/:model/:image', async (context) => {
    const attention = await modelOf(context).attention(number(context, 'image', names.length));
    return binary(context, attention && new Uint8Array(Float32Array.from(attention).buffer));
  });

  app.get('/api/neighbours/:model/:image', async (context) =>
    found(context, await modelOf(context).neighboursOfImage(number(context, 'image', names.length), MOST_NEIGHBOURS)),
  );

  app.get('/api/neighbours/:model/:image/:patch', async (context) => {
    const model = modelOf(context);
    const { rows, columns } = model.state;
    const patch = number(context, 'patch', rows * columns);
    return found(context, await model.neighboursOfPatch(number(context, 'image', names.length), patch, MOST_NEIGHBOURS));
  });

  app.get('/api/map/:model', async (context) => found(context, await modelOf(context).folderMap()));

  app.get('/api/runs/:run', (context) => {
    const run = runs[number(context, 'run', runs.length)]!;
    return streamSSE(context, async (stream) => {
      const closed = new AbortController();
      stream.onAbort(() => closed.abort());
      for await (const update of followMetrics(run.path, AbortSignal.any([closed.signal, options.signal]))) {
        await stream.writeSSE({ data: JSON.stringify(update) });
      }
    });
  });

  const modelOf = (context: Context) => models[number(context, 'model', models.length)]!;
  app.notFound((context) => context.text('Not here.\n', 404));
  return app;
}

/** A number from 0 to `count` − 1 in the path. */
function number(context: Context, name: string, count: number): number {
  const text = context.req.param(name) ?? '';
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (!(value < count)) throw new HTTPException(404, { message: `no ${name} ${text}` });
  return value;
}

const noFeatures = 'no features of this image (yet)';

function found(context: Context, value: object | undefined) {
  return value === undefined ? context.text(noFeatures, 409) : context.json(value);
}

function binary(context: Context, bytes: Uint8Array<ArrayBuffer> | undefined) {
  if (bytes === undefined) return context.text(noFeatures, 409);
  return context.body(bytes, 200, { 'content-type': 'application/octet-stream', 'cache-control': 'private, max-age=3600' });
}
