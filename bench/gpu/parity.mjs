// Shows that both programs compute the same step: the micro configuration in float32, the same weights and batches, no
// colour changes; ours on the given engine, PyTorch on the CPU. Loss terms, gradient norms before clipping.
//
//   node parity.mjs [--engine xla] [--plugin PATH] [--python python3] [--steps 4]
//
// Later steps see earlier updates, so that AdamW, clipping and the teacher's mean are compared too.
import '@tensorflow/tfjs';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { jit } from '@dinov2/jit';
import { createStep, initialState, initialStudent, metricNames } from '@dinov2/trainer';
import { writeSafetensors } from '@dinov2/weights';
import { common, engineOptions, say } from './arguments.mjs';
import { syntheticBatch } from './batches.mjs';
import { openEngine } from './engine.mjs';
import { recipe, scalars } from './recipes.mjs';

const { values } = parseArgs({
  options: {
    ...common,
    python: { type: 'string', default: 'python3' },
    steps: { type: 'string', default: '4' },
    tolerance: { type: 'string', default: '1e-4' },
  },
});
const steps = Number(values.steps);
const config = recipe('micro');
const folder = mkdtempSync(join(tmpdir(), 'parity-'));
try {
  const student = initialStudent(config);
  const batches = Array.from({ length: steps }, (_, i) => syntheticBatch(config, i, { seed: i, colour: false }));
  const plan = Array.from({ length: steps }, (_, i) => scalars(i + 1));
  const theirs = await torchSteps(student, batches, plan);
  const ours = await ourSteps(student, batches, plan);

  let largest = 0;
  const rows = {};
  ours.forEach((step, i) => {
    for (const [name, value] of Object.entries(step)) {
      const expected = theirs[i][name];
      const difference = Math.abs(value - expected) / Math.max(1, Math.abs(expected));
      largest = Math.max(largest, difference);
      rows[`step ${i} ${name}`] = { ours: value, PyTorch: expected, difference };
    }
  });
  console.table(rows);
  const holds = largest <= Number(values.tolerance);
  console.log(`largest difference ${largest.toExponential(1)}, allowed ${values.tolerance}: ${holds ? 'the same step' : 'NOT the same step'}`);
  say({ event: 'result', largestDifference: largest, holds });
  process.exitCode = holds ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
process.exit();

async function ourSteps(student, batches, plan) {
  const engine = await openEngine(engineOptions(values));
  const step = jit(createStep(config).trainStep, { engine, donate: [0] });
  const names = metricNames(['backbone', 'dinoHead', 'ibotHead']);
  let state = initialState(engine, config, student);
  const out = [];
  for (const [i, batch] of batches.entries()) {
    const result = await step(state, undefined, batch, plan[i]);
    state = result.state;
    const metrics = await result.metrics.data();
    const named = Object.fromEntries(names.map((name, j) => [name, metrics[j]]));
    const { teacherEntropy: _entropy, applied: _applied, ...compared } = named;
    out.push(compared);
  }
  return out;
}

async function torchSteps(student, batches, plan) {
  const weights = Object.entries(student).flatMap(([module, record]) =>
    Object.entries(record).map(([name, array]) => [`${module}.${name}`, array]),
  );
  await writeSafetensors(join(folder, 'weights.safetensors'), Object.fromEntries(weights));
  for (const [i, { dropRows, ...arrays }] of batches.entries()) {
    // Branches in order: attention and feed-forward of block 0, of block 1, …
    const rows = (group) => {
      const branches = dropRows.flatMap(({ attention, ffn }) => [attention[group], ffn[group]]);
      return { data: Int32Array.from(branches.flatMap(({ data }) => [...data])), shape: [branches.length, branches[0].shape[0]] };
    };
    const tensors = { ...arrays, rowsGlobal: rows(0), rowsLocal: rows(1) };
    for (const [name, array] of Object.entries(tensors)) {
      if (array.data instanceof Uint8Array) tensors[name] = { ...array, dtype: 'BOOL' };
    }
    await writeSafetensors(join(folder, `batch-${i}.safetensors`), tensors);
  }
  writeFileSync(join(folder, 'plan.json'), JSON.stringify({ config, scalars: plan }));
  const script = fileURLToPath(new URL('torch_step.py', import.meta.url));
  const lines = execFileSync(values.python, [script, '--check', folder], { encoding: 'utf8' }).trim().split('\n');
  return lines.map((line) => {
    const { terms, norms } = JSON.parse(line);
    const named = Object.fromEntries(Object.entries(terms).map(([name, value]) => [`${name}Loss`, value]));
    return {
      ...named,
      loss: Object.values(terms).reduce((a, b) => a + b, 0),
      ...Object.fromEntries(['backbone', 'dinoHead', 'ibotHead'].map((module, i) => [`gradientNorm.${module}`, norms[i]])),
    };
  });
}
