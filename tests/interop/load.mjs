// Load every case that make.py wrote, run it on engine-onnx, and compare all outputs with the peer's.
//
//   node tests/interop/load.mjs OUT [--only PATTERN] [--results FILE]

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import '@tensorflow/tfjs';
import { preprocess } from '@dinov2/data';
import { onnxEngine } from '@dinov2/engine-onnx';
import { loadPretrained, readSafetensors, VisionTransformer } from '@dinov2/weights';
import { channelsLast, compare, under, worst } from './support/compare.mjs';
import { allFeatures } from './support/features.mjs';
import { short, table } from './support/table.mjs';

/** What issue and paper ask for: absolute, on activations of the order of one. */
const tolerance = 1e-4;

const outputs = [
  ['cls', /^cls$/],
  ['registers', /^registers$/],
  ['patches', /^patches$/],
  ['intermediate layers', /^layers\./],
  ['before norm', /^raw\./],
];

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string', default: '' }, results: { type: 'string' } },
});
const [out] = positionals;
if (out === undefined) throw new Error('usage: node tests/interop/load.mjs OUT');

const cases = JSON.parse(readFileSync(join(out, 'cases.json'), 'utf8')).filter(({ layout, model }) =>
  new RegExp(options.only).test(`${layout}/${model}`),
);
if (cases.length === 0) throw new Error(`no case of ${join(out, 'cases.json')} is called ${options.only}`);
const engine = onnxEngine();
const rows = [];
for (const entry of cases) {
  try {
    rows.push(...(await check(entry)));
  } catch (error) {
    rows.push({ layout: entry.layout, model: entry.model, error: error.message });
  }
  const mine = rows.filter(({ layout, model }) => layout === entry.layout && model === entry.model);
  const failed = mine.find((row) => row.error !== undefined || !(row.difference <= tolerance));
  console.error(
    `${failed ? 'FAIL' : 'ok  '} ${entry.layout}/${entry.model} ` +
      (mine[0].error ?? `${short(worst(mine).difference)}, recognised as ${mine[0].recognised}`),
  );
}
await engine.dispose();

async function check({ layout, model, weights, reference, sizes, pictures }) {
  const pretrained = await loadPretrained(join(out, weights), { heads: true, log: false });
  await checkModel(join(out, weights), pretrained);
  const { tensors } = await readSafetensors(join(out, reference));
  checkHeads(pretrained.heads, under(tensors, 'heads/'));

  const names = Object.keys(tensors);
  const count = names.filter((name) => name.startsWith(`${sizes[0]}/layers.`) && name.endsWith('.cls')).length;
  const features = allFeatures(engine, pretrained, count);
  try {
    const found = [];
    for (const size of [...sizes, ...Object.keys(pictures)]) {
      const { input, ...expected } = under(tensors, `${size}/`);
      const actual = await features.run(
        input === undefined ? await preprocess(pictures[size], pretrained.preprocessing) : channelsLast(input),
      );
      const missing = Object.keys(expected).filter((name) => !(name in actual));
      if (missing.length > 0 || Object.keys(actual).length !== Object.keys(expected).length) {
        throw new Error(`outputs differ: ${Object.keys(actual)} where the reference has ${Object.keys(expected)}`);
      }
      const byOutput = Object.fromEntries(
        Object.entries(expected).map(([name, { data }]) => [name, compare(actual[name], data)]),
      );
      const group = (pattern) => Object.entries(byOutput).filter(([name]) => pattern.test(name)).map(([, result]) => result);
      for (const [output, pattern] of outputs) {
        const results = group(pattern);
        if (results.length > 0) found.push({ layout, model, size, output, ...worst(results), recognised: pretrained.layout });
      }
    }
    return found;
  } finally {
    features.dispose();
  }
}

/** The model object holds the same. */
async function checkModel(path, { config, parameters, preprocessing }) {
  const model = await VisionTransformer.fromPretrained(path, { log: false });
  if (!isDeepStrictEqual([model.config, model.preprocessing], [config, preprocessing])) throw new Error('fromPretrained has another configuration');
  if (!isDeepStrictEqual(Object.keys(model.parameters).sort(), Object.keys(parameters).sort())) throw new Error('fromPretrained has other parameters');
  for (const [name, { data }] of Object.entries(parameters)) {
    if (!isDeepStrictEqual(model.parameters[name].dataSync(), data)) throw new Error(`fromPretrained has other values in ${name}`);
  }
  model.dispose();
}

function checkHeads(heads, expected) {
  for (const [name, { data, shape }] of Object.entries(expected)) {
    const [, head, key] = /^(dino|ibot)\.(.*)$/.exec(name);
    const found = heads?.[head]?.[key];
    if (found === undefined) throw new Error(`head tensor ${name} is missing`);
    if (String(found.shape) !== String(shape)) throw new Error(`head tensor ${name} is (${found.shape}), not (${shape})`);
    const { difference, magnitude } = compare(found.data, data);
    // DINOv3's lengths of rows are computed; all else is read.
    if (difference > (key === 'last_layer.weight_g' ? 1e-7 * magnitude : 0)) throw new Error(`head tensor ${name} has other values`);
  }
  const count = Object.values(heads ?? {}).reduce((sum, head) => sum + Object.keys(head).length, 0);
  if (count !== Object.keys(expected).length) throw new Error(`${count} head tensors where the file has ${Object.keys(expected).length}`);
}

console.log(
  table([
    ['layout', 'model', 'size or picture', 'output', 'max |difference|', 'max |value|'],
    ...rows.map((row) => [
      row.layout, row.model, row.size ?? '', row.output ?? row.error,
      row.error === undefined ? short(row.difference) : '', row.error === undefined ? row.magnitude.toFixed(1) : '',
    ]),
  ]),
);
const failures = rows.filter((row) => row.error !== undefined || !(row.difference <= tolerance));
console.log(`${rows.length - failures.length} of ${rows.length} outputs of ${cases.length} files within ${tolerance}`);
if (options.results !== undefined) {
  writeFileSync(options.results, `${JSON.stringify({ tolerance, cases: summarise(rows) }, null, 1)}\n`);
}
process.exitCode = failures.length > 0 ? 1 : 0;

/** One line per file and size: the worst of each output. */
function summarise(all) {
  const lines = {};
  for (const row of all) {
    const key = `${row.layout}/${row.model}`;
    if (row.error !== undefined) lines[key] = row.error;
    else ((lines[key] ??= {})[row.size] ??= {})[row.output] = Number(row.difference.toPrecision(2));
  }
  return lines;
}
