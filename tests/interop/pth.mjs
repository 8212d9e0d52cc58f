// Read every file that peers/pth.py wrote with torch.save, and compare names, types, shapes and values bit for bit.
//
//   node tests/interop/pth.mjs OUT [--results FILE]

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openWeights } from '@dinov2/weights';
import { rawSafetensors } from './support/raw-safetensors.mjs';

const { values: options, positionals } = parseArgs({ allowPositionals: true, options: { results: { type: 'string' } } });
const [out] = positionals;
if (out === undefined) throw new Error('usage: node tests/interop/pth.mjs OUT');

const folder = join(out, 'pth');
const { files, refused } = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
const results = {};
for (const file of files) results[file.name] = await attempt(() => checkFile(file));
for (const file of refused) results[file.name] = await attempt(() => checkRefused(file));

for (const [name, result] of Object.entries(results)) console.log(`${name.padEnd(18)} ${result}`);
const failures = Object.values(results).filter((result) => result.startsWith('FAIL'));
console.log(`${Object.keys(results).length - failures.length} of ${Object.keys(results).length} .pth files as torch has them`);
if (options.results !== undefined) writeFileSync(options.results, `${JSON.stringify(results, null, 1)}\n`);
process.exitCode = failures.length > 0 ? 1 : 0;

async function attempt(check) {
  try {
    return await check();
  } catch (error) {
    return `FAIL ${error.message}`;
  }
}

async function checkFile({ name, others }) {
  const own = rawSafetensors(join(folder, `${name}.safetensors`));
  const float32 = rawSafetensors(join(folder, `${name}.float32.safetensors`));
  const file = await openWeights(join(folder, `${name}.pth`));
  try {
    if (file.format !== 'pytorch') throw new Error(`format ${file.format}`);
    same('names', [...file.entries.keys()].sort(), Object.keys(own).sort());
    for (const [tensor, { dtype, shape, bytes }] of Object.entries(own)) {
      const entry = file.entries.get(tensor);
      same(`type of ${tensor}`, entry.dtype, dtype);
      same(`shape of ${tensor}`, [...entry.shape], shape);
      const { data } = await file.read(tensor);
      const widened = dtype === 'F16' || dtype === 'BF16' || dtype === 'F64';
      sameBytes(`read(${tensor})`, data, widened ? float32[tensor].bytes : bytes);
      // With an offset, into an array that is longer on both sides, whose other elements must stay.
      const target = new Float32Array(data.length + 5).fill(42);
      await file.readInto(tensor, target, 3);
      sameBytes(`readInto(${tensor})`, target.slice(3, 3 + data.length), float32[tensor].bytes);
      if ([...target.subarray(0, 3), ...target.subarray(3 + data.length)].some((x) => x !== 42)) {
        throw new Error(`readInto(${tensor}) wrote outside of its place`);
      }
    }
    for (const [key, value] of Object.entries(others)) {
      // A list without tensors is one value.
      const [, list, index] = /^(.*)\.(\d+)$/.exec(key) ?? [];
      same(`value ${key}`, file.values.has(key) ? file.values.get(key) : file.values.get(list)?.[index], value);
    }
    return `${file.entries.size} tensors, ${Object.keys(others).length} other values`;
  } finally {
    await file.close();
  }
}

async function checkRefused({ name, word }) {
  let file;
  try {
    file = await openWeights(join(folder, `${name}.pth`));
  } catch (error) {
    if (error.name !== 'WeightsError') throw error;
    if (!new RegExp(word).test(error.message)) throw new Error(`refused without naming ${word}: ${error.message}`, { cause: error });
    return `refused: ${error.message.replace(folder, '…')}`;
  }
  await file.close();
  throw new Error('was opened');
}

function same(what, found, expected) {
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw new Error(`${what}: ${JSON.stringify(found)} where torch has ${JSON.stringify(expected)}`);
  }
}

function sameBytes(what, data, expected) {
  const found = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (found.equals(expected)) return;
  const at = found.findIndex((byte, i) => byte !== expected[i]);
  throw new Error(`${what}: bytes differ from byte ${at} on, ${found.length} where torch has ${expected.length}`);
}
