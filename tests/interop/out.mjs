// Write models in every form, and compare what other programs make of them with our features: here
// onnxruntime-node and @huggingface/transformers; check.py goes on with the Python programs.
//
//   node tests/interop/out.mjs OUT [--only PATTERN] [--results FILE]
//
// OUT/run/ holds a short training run, OUT/cases.json the models of make.py.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import '@tensorflow/tfjs';
import { AutoProcessor, env, pipeline, RawImage } from '@huggingface/transformers';
import { preprocess } from '@dinov2/data';
import { onnxEngine } from '@dinov2/engine-onnx';
import { loadPretrained, saveBackbone, saveHuggingFace, saveTransformersJs, writeSafetensors } from '@dinov2/weights';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { channelsFirst, channelsLast, compare, worst } from './support/compare.mjs';
import { allFeatures } from './support/features.mjs';
import { short, table } from './support/table.mjs';

const tolerance = 1e-4;
// Weights, activations and sums of 10 bits of mantissa, on values up to 7: a rounding is 2^-9 = 0.002 there,
// and a dozen layers of them add up.
const halfTolerance = 0.02;

/** Models to write: of each architecture one, from whichever program made it. */
const models = [
  'run',
  'fair-dinov2/S', 'fair-dinov2/B2', 'fair-dinov2/giant2-swiglu', 'fair-dinov2/B2-registers', 'fair-dinov2/giant2-registers',
  'fair-dinov2/S4-without-layer-scale', 'hf-dinov2/B2', 'hf-dinov2/S4-without-qkv-bias', 'hf-dinov2/S4-epsilon', 'hf-dinov2/heads-of-32',
  'timm-dinov2/S4-registers',
  'fair-dinov3/S', 'fair-dinov3/S4-plus', 'fair-dinov3/7B-like', 'fair-dinov3/S4-base-50', 'hf-dinov3/S4-no-registers',
  'hf-dinov3/S4-key-bias',
];

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string', default: '' }, results: { type: 'string' } },
});
const [out] = positionals;
if (out === undefined) throw new Error('usage: node tests/interop/out.mjs OUT');

const cases = new Map(
  JSON.parse(readFileSync(join(out, 'cases.json'), 'utf8')).map(({ layout, model, weights }) => [`${layout}/${model}`, weights]),
);
const { pictures } = JSON.parse(readFileSync(join(out, 'pictures/index.json'), 'utf8'));
const shown = ['dogs', 'cat-small'].map((name) => [name, pictures[name]]);

env.allowRemoteModels = false;
const engine = onnxEngine();
const rows = [];
const written = [];
for (const name of models) {
  if (!new RegExp(options.only).test(name)) continue;
  const path = name === 'run' ? 'run' : cases.get(name);
  if (path === undefined) {
    console.error(`none ${name} (make.py did not make it)`);
    continue;
  }
  try {
    await write(name, join(out, path));
    written.push(name);
  } catch (error) {
    rows.push({ model: name, program: '', error: error.stack.split('\n').slice(0, 2).join(' ') });
  }
  const failed = rows.filter((row) => row.model === name && !passes(row));
  console.error(`${failed.length > 0 ? 'FAIL' : 'ok  '} ${name} ${failed.map((row) => row.error ?? `${row.program} ${short(row.difference)}`).join('; ')}`);
}
await engine.dispose();
if (cases.has('fair-dinov3/S4-periods') && new RegExp(options.only).test('fair-dinov3/S4-periods')) await refusesPeriods('fair-dinov3/S4-periods');
writeFileSync(join(out, 'out/index.json'), JSON.stringify(written));

async function write(name, path) {
  const folder = join(out, 'out', name);
  const huggingFace = join(folder, 'huggingface');
  const model = await loadPretrained(path, { log: false });
  mkdirSync(folder, { recursive: true });
  // A folder of saveHuggingFace with ONNX models in it.
  await saveTransformersJs(huggingFace, model, { precisions: ['float32', 'float16'], log: false });
  await saveBackbone(join(folder, 'backbone.safetensors'), model);

  const tensors = {};
  const inputs = sizes(model.config).map(([batch, height, width], i) => ({
    key: `${height}x${width}`,
    images: random([batch, 3, height, width], i + 1),
  }));
  const ours = await featuresOf(model, inputs);
  const reloaded = await loadPretrained(huggingFace, { log: false });
  const theirs = await featuresOf(reloaded, inputs);
  for (const { key, images } of inputs) {
    tensors[`${key}/input`] = images;
    for (const [output, array] of Object.entries(ours[key])) tensors[`${key}/${output}`] = array;
    for (const [output, array] of Object.entries(theirs[key])) tensors[`huggingface/${key}/${output}`] = array;
  }
  for (const [picture, file] of shown) {
    const { data, shape } = channelsFirst(await preprocess(file, reloaded.preprocessing));
    tensors[`pixels/${picture}`] = { data, shape: shape.slice(1) };
  }
  await writeSafetensors(join(folder, 'expected.safetensors'), tensors, { pictures: JSON.stringify(Object.fromEntries(shown)) });

  // At the table's own size every program does the same.
  const { key } = inputs[0];
  rows.push({ model: name, program: 'folder read again', size: key, ...worstOf(theirs[key], ours[key]), limit: tolerance });
  sameBits(name, model, await loadPretrained(join(folder, 'backbone.safetensors'), { log: false }));

  for (const [file, limit] of [['model.onnx', tolerance], ['model_fp16.onnx', halfTolerance]]) {
    const session = await InferenceSession.create(join(huggingFace, 'onnx', file));
    for (const { key, images } of inputs) {
      const result = await session.run({ pixel_values: new Tensor('float32', images.data, images.shape) });
      const expected = ours[key];
      const found = {
        tokens: result.last_hidden_state.data,
        cls: result.pooler_output.data,
      };
      rows.push({
        model: name, program: `onnxruntime-node ${file}`, size: key,
        ...worstOf(
          { tokens: { data: found.tokens }, cls: { data: found.cls } },
          { tokens: { data: joined(expected) }, cls: expected.cls },
        ),
        limit,
      });
    }
    await session.release();
  }
  await withTransformers(name, model);
}

/** transformers computes rotary periods from a base; these have none. */
async function refusesPeriods(name) {
  const row = { model: name, program: 'saveHuggingFace refuses' };
  try {
    await saveHuggingFace(join(out, 'out', name), await loadPretrained(join(out, cases.get(name)), { log: false }), { log: false });
    rows.push({ ...row, error: 'wrote periods that transformers cannot be told' });
  } catch (error) {
    const named = error.name === 'WeightsError' && /periods/.test(error.message);
    rows.push({ ...row, ...(named ? { difference: 0, magnitude: 0, limit: 0 } : { error: error.stack }) });
  }
}

/** The pipeline of @huggingface/transformers on the local folder, and our features of the pixels that its processor makes. */
async function withTransformers(name, model) {
  env.localModelPath = resolve(out, 'out', name);
  const id = 'huggingface';
  const processor = await AutoProcessor.from_pretrained(id);
  for (const [dtype, limit] of [['fp32', tolerance], ['fp16', halfTolerance]]) {
    const extract = await pipeline('image-feature-extraction', id, { dtype });
    for (const [picture, file] of shown) {
      const image = await RawImage.read(file);
      const { pixel_values: pixels } = await processor(image);
      const expected = (await featuresOf(model, [{ key: picture, images: { data: pixels.data, shape: pixels.dims } }]))[picture];
      const tokens = await extract(image);
      const pooled = await extract(image, { pool: true });
      rows.push({
        model: name, program: `transformers.js ${dtype}`, size: picture,
        ...worstOf(
          { tokens: { data: tokens.data }, cls: { data: pooled.data } },
          { tokens: { data: joined(expected) }, cls: expected.cls },
        ),
        limit,
      });
    }
    await extract.dispose();
  }
}

/** Batch, height and width: the native size, not square, smaller, larger. */
function sizes({ imageSize, patchSize }) {
  const side = imageSize / patchSize;
  return [
    [1, side, side],
    [3, Math.max(1, Math.round(side * 0.6)), side + 2],
    [2, Math.max(1, Math.floor(side / 2)), Math.max(1, Math.floor(side / 2))],
    [1, side + 5, side + 3],
  ].map(([batch, rows, columns]) => [batch, rows * patchSize, columns * patchSize]);
}

/** Normally distributed, the same on every machine. */
function random(shape, seed) {
  let state = seed * 0x9e3779b9;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () =>
    Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
  return { data, shape };
}

/** cls (B, D), registers (B, R, D) and patches (B, N, D) by input. */
async function featuresOf(model, inputs) {
  const { embedDim: D } = model.config;
  const features = allFeatures(engine, model, 1);
  try {
    const found = {};
    for (const { key, images } of inputs) {
      const values = await features.run(channelsLast(images));
      const batch = images.shape[0];
      found[key] = { cls: { data: values.cls, shape: [batch, D] } };
      for (const name of ['registers', 'patches']) {
        if (values[name]) found[key][name] = { data: values[name], shape: [batch, values[name].length / batch / D, D] };
      }
    }
    return found;
  } finally {
    features.dispose();
  }
}

/** (B, 1 + R + N, D) */
function joined({ cls, registers, patches }) {
  const [batch, D] = cls.shape;
  const parts = [cls, registers, patches].filter((part) => part !== undefined);
  const tokens = new Float32Array(parts.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (let b = 0; b < batch; b++) {
    for (const { data } of parts) {
      const length = data.length / batch;
      tokens.set(data.subarray(b * length, (b + 1) * length), at);
      at += length;
    }
  }
  if (at % D !== 0) throw new Error('tokens are not whole');
  return tokens;
}

function worstOf(actual, expected) {
  return worst(Object.entries(expected).map(([output, { data }]) => compare(actual[output].data, data)));
}

/** A backbone file must give the very model back. */
function sameBits(name, model, again) {
  if (!isDeepStrictEqual(again.config, model.config)) {
    rows.push({ model: name, program: 'backbone.safetensors read again', error: `config ${JSON.stringify(again.config)} was ${JSON.stringify(model.config)}` });
  }
  if (!isDeepStrictEqual(again.preprocessing, model.preprocessing)) {
    rows.push({ model: name, program: 'backbone.safetensors read again', error: `preprocessing ${JSON.stringify(again.preprocessing)} was ${JSON.stringify(model.preprocessing)}` });
  }
  const different = Object.keys(model.parameters).filter((key) => !isDeepStrictEqual(again.parameters[key], model.parameters[key]));
  rows.push({
    model: name, program: 'backbone.safetensors read again',
    ...(different.length > 0 ? { error: `other values in ${different.slice(0, 5)}` } : { difference: 0, magnitude: 0, limit: 0 }),
  });
}

function passes(row) {
  return row.error === undefined && row.difference <= row.limit;
}

console.log(
  table([
    ['model', 'program', 'size or picture', 'max |difference|', 'max |value|', ''],
    ...rows.map((row) => [
      row.model, row.program, row.size ?? '', row.error === undefined ? short(row.difference) : '', row.magnitude?.toFixed(1) ?? '',
      passes(row) ? '' : `FAIL ${row.error ?? ''}`,
    ]),
  ]),
);
const failures = rows.filter((row) => !passes(row));
if (rows.length === 0) throw new Error(`no model is called ${options.only}`);
console.log(`${rows.length - failures.length} of ${rows.length} comparisons within ${tolerance} (float16: ${halfTolerance})`);
if (options.results !== undefined) {
  mkdirSync(dirname(options.results), { recursive: true });
  const record = {};
  for (const row of rows) {
    ((record[row.model] ??= {})[row.program] ??= {})[row.size ?? 'all'] = row.error ?? Number(row.difference.toPrecision(2));
  }
  writeFileSync(options.results, `${JSON.stringify({ tolerance, halfTolerance, models: record }, null, 1)}\n`);
}
process.exitCode = failures.length > 0 ? 1 : 0;
