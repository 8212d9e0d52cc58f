// Packs the page, ONNX Runtime and a backbone into one HTML file that needs no server:
// node docs/examples/pca/build.mjs [--model RUN_OR_WEIGHTS_OR_ONNX] [--out FILE.html] [--precision float16]
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { imageNetMean, imageNetStd } from '@dinov2/augment';
import { initialize, vitConfig } from '@dinov2/vit';
import { exportOnnx, loadPretrained, WeightsError } from '@dinov2/weights';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..', '..');

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    out: { type: 'string', default: 'pca.html' },
    precision: { type: 'string', default: 'float32' },
    example: { type: 'string', default: join(root, 'apps', 'pretrain', 'sample', 'pictures', 'astronaut.jpg') },
  },
});

const sampleRun = join(root, 'runs', 'sample');
try {
  const model = await chooseModel();
  const page = await pack(model);
  mkdirSync(dirname(resolve(options.out)), { recursive: true });
  writeFileSync(options.out, page);
  console.log(`${options.out}: ${(page.length / 1e6).toFixed(1)} MB, ${model.about}`);
} catch (error) {
  // Those of the file system say what and where too.
  if (!(error instanceof WeightsError || 'syscall' in error)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

/** The model asked for, else the run on the shipped sample, else random weights. */
async function chooseModel() {
  const path = options.model ?? (existsSync(sampleRun) ? sampleRun : undefined);
  if (path?.endsWith('.onnx')) return { onnx: readFileSync(path), about: `${basename(path)}.` };
  if (path !== undefined) {
    const backbone = await loadPretrained(path);
    const origin = options.model === undefined ? 'trained for minutes on the sample of this repository' : basename(resolve(path));
    return { onnx: await onnxOf(backbone), preprocessing: backbone.preprocessing, about: `${describe(backbone.config)}, ${origin}.` };
  }
  const config = vitConfig('tiny', { imageSize: 224, layerScale: 1 });
  return { onnx: await onnxOf({ config, parameters: initialize(config, 0) }), about: `${describe(config)}, random weights: it has learned nothing yet.` };
}

function describe({ embedDim, depth, patchSize, registers }) {
  return `a vision transformer of ${depth} blocks, ${embedDim} wide, patches of ${patchSize} pixels${registers > 0 ? `, ${registers} registers` : ''}`;
}

async function onnxOf(backbone) {
  if (!['float32', 'float16'].includes(options.precision)) {
    throw new WeightsError(`precision ${options.precision} is unknown; pass float32 or float16`);
  }
  const folder = mkdtempSync(join(tmpdir(), 'dinov2-pca-'));
  try {
    const file = join(folder, 'model.onnx');
    const { externalData } = await exportOnnx(file, backbone, { precision: options.precision });
    if (externalData) throw new WeightsError('the model is above 2 GiB; a page can hold a few hundred MB');
    return readFileSync(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The page as text. */
async function pack({ onnx, about, preprocessing }) {
  const facts = {
    model: about,
    example: 'Example: the astronaut Eileen Collins, by NASA.',
    patches: 32,
    preprocessing: { mean: preprocessing?.mean ?? imageNetMean, std: preprocessing?.std ?? imageNetStd },
  };
  const runtime = createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm');
  const packed = {
    worker: await bundle('worker.ts', 'iife'),
    runtime: readFileSync(runtime),
    model: onnx,
    'example-picture': readFileSync(options.example),
  };
  const payload = [
    `<script type="application/json" id="packed-about">${JSON.stringify(facts).replaceAll('<', '\\u003c')}</script>`,
    ...Object.entries(packed).map(
      ([id, content]) => `<script type="text/plain" id="packed-${id}">${gzipSync(content, { level: 9 }).toString('base64')}</script>`,
    ),
    // In a script element, these two would end it or change how it is read.
    `<script type="module">${(await bundle('main.ts', 'esm')).replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--')}</script>`,
  ].join('\n');
  return readFileSync(join(here, 'index.html'), 'utf8')
    .replace('/* style */', () => readFileSync(join(here, 'style.css'), 'utf8'))
    .replace('<!-- payload -->', () => payload);
}

async function bundle(entry, format) {
  const { outputFiles } = await build({
    entryPoints: [join(here, entry)],
    bundle: true,
    write: false,
    minify: true,
    format,
    platform: 'browser',
    target: 'es2022',
    define: { 'import.meta.url': 'location.href' }, // a classic worker has none
  });
  return outputFiles[0].text;
}
