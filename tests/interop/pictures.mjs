// Preprocess the pictures that peers/pictures.py used, by each preset's name, and compare pixels with the peer's.
//
//   node tests/interop/pictures.mjs OUT [--results FILE]

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { preprocessings } from '@dinov2/augment';
import { preprocess } from '@dinov2/data';
import { readSafetensors } from '@dinov2/weights';
import { channelsFirst } from './support/compare.mjs';
import { short, table } from './support/table.mjs';

// In normalised units, where one of 255 levels is 0.017 to 0.027: float32 rounding, no level off.
const tolerance = 1e-5;
// Decoders of JPEG may differ by a few levels where colour is subsampled; reported, and bounded by the mean.
const jpegTolerance = 0.02;

const { values: options, positionals } = parseArgs({ allowPositionals: true, options: { results: { type: 'string' } } });
const [out] = positionals;
if (out === undefined) throw new Error('usage: node tests/interop/pictures.mjs OUT');

const folder = join(out, 'pictures');
const { presets, pictures } = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
const rows = [];
for (const preset of presets) {
  const { tensors } = await readSafetensors(join(folder, `${preset}.safetensors`));
  for (const [picture, path] of Object.entries(pictures)) {
    const expected = tensors[picture];
    const row = { preset, picture };
    try {
      const { data, shape } = channelsFirst(await preprocess(path, preprocessings[preset]));
      if (String(shape.slice(1)) !== String(expected.shape)) throw new Error(`(${shape.slice(1)}), not (${expected.shape})`);
      Object.assign(row, differences(data, expected.data));
      row.passed = picture.endsWith('jpeg') ? row.mean <= jpegTolerance : row.largest <= tolerance;
    } catch (error) {
      Object.assign(row, { error: error.message, passed: false });
    }
    rows.push(row);
  }
}

console.log(
  table([
    ['preset', 'picture', 'largest', 'mean', 'share above tolerance', ''],
    ...rows.map((row) => [
      row.preset, row.picture,
      ...(row.error ? [row.error, '', ''] : [short(row.largest), short(row.mean), short(row.share)]),
      row.passed ? '' : 'FAIL',
    ]),
  ]),
);
const failures = rows.filter(({ passed }) => !passed);
console.log(`${rows.length - failures.length} of ${rows.length} pictures as the programs have them`);
if (options.results !== undefined) {
  const record = {};
  for (const { preset, picture, largest, mean, error } of rows) {
    (record[preset] ??= {})[picture] = error ?? { largest: Number(largest.toPrecision(2)), mean: Number(mean.toPrecision(2)) };
  }
  writeFileSync(options.results, `${JSON.stringify({ tolerance, jpegTolerance, presets: record }, null, 1)}\n`);
}
process.exitCode = failures.length > 0 ? 1 : 0;

function differences(actual, expected) {
  let largest = 0;
  let sum = 0;
  let above = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    if (!(difference <= largest)) largest = difference;
    sum += difference;
    if (difference > tolerance) above++;
  }
  return { largest, mean: sum / expected.length, share: above / expected.length };
}
