// Compile the training steps of ViT-L/14 and ViT-g/14 for 4 to 256 TPUs that are not there: memory of each device and what
// the devices send each other, beside the arithmetic of fully sharded training, and the largest batch that fits.
//
//   npm run build && node bench/ahead-of-time.mjs [--plugin libtpu.so] [--models l,g] [--topologies v5e:4x4] [--mesh 8x8] [--level 0] [--tries 4]
//
// Needs libtpu (`pip install libtpu`) and neither TPU nor weights: nothing runs. Each compilation is a process of its own and takes
// minutes and 3 to 8 GB. Results are kept in bench/results/ahead-of-time.json after each of them, and what is there is not done again;
// --tries 0 only prints them.
import '@tensorflow/tfjs';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { compileAheadOfTime, findPlugins } from '@dinov2/engine-xla';
import { jit, mapTree, meshSize, mixedPrecision } from '@dinov2/jit';
import { batchSpecs, compileOptions, createStep, stateSharding, stateSpecs } from '@dinov2/trainer';
import { recipe } from './gpu/recipes.mjs';

const { values: options } = parseArgs({
  options: {
    plugin: { type: 'string' },
    models: { type: 'string', default: 'l,g' },
    topologies: { type: 'string' },
    mesh: { type: 'string' },
    level: { type: 'string', default: '0' },
    tries: { type: 'string', default: '4' },
    child: { type: 'string' },
    hlo: { type: 'string' },
  },
});
const plugin = options.plugin ?? (await findPlugins()).find(({ kind, path }) => kind === 'tpu' && path)?.path;
if (plugin === undefined) {
  console.error('no libtpu here: pip install libtpu, and set VIRTUAL_ENV to that environment or pass --plugin .../libtpu/libtpu.so');
  process.exit(1);
}

/** Topologies with their meshes, and batches per device to begin with; where there is none, the official one is all that is asked. */
const cells = [
  { topology: 'v5e:2x2', meshes: [{ data: 1, fsdp: 4 }], l: 16, g: 2 },
  { topology: 'v5e:4x4', meshes: [{ data: 1, fsdp: 16 }], l: 16, g: 4 },
  { topology: 'v5e:8x8', meshes: [{ data: 1, fsdp: 64 }, { data: 8, fsdp: 8 }], l: 16, g: 4 },
  { topology: 'v5e:16x16', meshes: [{ data: 1, fsdp: 256 }, { data: 16, fsdp: 16 }], l: 16, g: 4 },
  { topology: 'v5p:2x2x1', meshes: [{ data: 1, fsdp: 4 }] },
];

const scalar = { shape: [], dtype: 'float32' };
const scalars = Object.fromEntries(
  ['learningRate', 'lastLayerLearningRate', 'weightDecay', 'teacherMomentum', 'teacherTemperature', 'correction1', 'correction2'].map((name) => [name, scalar]),
);
const sizeOf = (shape) => shape.reduce((a, b) => a * b, 1);
const leaves = (tree) => {
  const found = [];
  mapTree(tree, (leaf) => (found.push(leaf), leaf));
  return found;
};

/** What the arithmetic says of a step, in bytes: of one device, except for what collectives gather and reduce. */
function arithmetic(config, mesh, graph) {
  const { student, teacher } = stateSpecs(config);
  const split = ({ shape }) => stateSharding(shape, mesh) !== undefined;
  const count = (specs) => specs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const parameters = leaves(student);
  const [splitCount, wholeCount] = [count(parameters.filter(split)), count(parameters.filter((spec) => !split(spec)))];
  const batch = leaves(batchSpecs(config)).reduce((sum, { shape, dtype }) => sum + sizeOf(shape) * (dtype === 'bool' ? 1 : 4), 0) / config.shards;
  return {
    parameters: splitCount + wholeCount,
    // Student, teacher and two moments in float32.
    state: 16 * (splitCount / mesh.fsdp + wholeCount),
    batch,
    gradients: 4 * (splitCount / mesh.fsdp + wholeCount),
    keptActivations: keptActivations(graph) / config.shards,
    // Once in the student's forward pass, once in its backward pass, once in the teacher's, in 16 bits.
    gather: 2 * (2 * splitCount + count(leaves(teacher).filter(split))),
    // Gradients in float32 to the device that keeps them; then, as whole ones, between replicas.
    scatter: 4 * splitCount,
    reduce: 4 * (wholeCount + (mesh.data > 1 ? splitCount / mesh.fsdp : 0)),
    // Three rounds of sums over the rows of all devices, for each of the two heads.
    sinkhorn: 4 * 3 * (config.dino.head.prototypes + config.ibot.head.prototypes),
  };
}

/** Bytes of what the forward pass makes and the backward pass reads, on all devices together. */
function keptActivations({ nodes }) {
  const isBackward = ({ scope }) => scope?.endsWith("'") === true;
  const root = new Map();
  const kept = new Map();
  const made = new Set();
  for (const node of nodes) {
    if (!isBackward(node)) {
      if (node.op === 'Reshape') root.set(node.outputs[0], root.get(node.inputs.x) ?? node.inputs.x);
      else if (node.op !== 'Reshard' && node.scope !== undefined) node.outputs.forEach((value) => made.add(value));
    } else {
      for (const input of Object.values(node.inputs)) {
        const value = root.get(input) ?? input;
        if (made.has(value)) kept.set(value, sizeOf(value.shape) * (value.stored ? 2 : value.dtype === 'bool' ? 1 : 4));
      }
    }
  }
  return [...kept.values()].reduce((a, b) => a + b, 0);
}

/** Gathers of something that is no parameter, forwards or backwards: an activation, if the partitioner saw no better way. */
function unexpectedGathers(hlo, config) {
  const known = new Set(leaves(stateSpecs(config).student).map(({ shape }) => sizeOf(shape)));
  const found = [...hlo.matchAll(/= ([a-z0-9]+\[([\d,]*)\]) all-gather\(/g)].filter(([, , shape]) => !known.has(sizeOf(shape.split(',').map(Number))));
  return [...new Set(found.map(([, type]) => type))];
}

async function compileOne({ model, topology, mesh, batch, level }) {
  const devices = meshSize(mesh);
  const config = { ...recipe(model, batch), shards: devices };
  const step = jit(createStep(config).trainStep, { ...compileOptions(config, { mesh }, mixedPrecision('bfloat16')), donate: [0] });
  const state = mapTree(stateSpecs(config), (spec) => ({ ...spec, sharding: stateSharding(spec.shape, mesh) }));
  let start = performance.now();
  const { graph, donations, cost } = step.lower(state, undefined, batchSpecs(config), scalars);
  const traceSeconds = (performance.now() - start) / 1000;
  const expected = arithmetic(config, mesh, graph);
  const result = { model, topology, mesh, batch, images: batch * devices, level, nodes: graph.nodes.length, teraflops: cost.flops / devices / 1e12, traceSeconds };
  start = performance.now();
  try {
    const compiled = await compileAheadOfTime(graph, { plugin, topology, mesh, donations, ...(level !== 'default' && { optimizationLevel: Number(level) }) });
    if (options.hlo) writeFileSync(options.hlo, compiled.hlo);
    const { memory, collectives, hlo } = compiled;
    return { ...result, device: compiled.devices.kind, compileSeconds: compiled.milliseconds / 1000, memory, collectives, unexpectedGathers: unexpectedGathers(hlo, config), expected };
  } catch (error) {
    // Either of everything, or of the temporary part alone where that is too much by itself.
    const refusal = /Used ([\d.]+)([GM]) of ([\d.]+)G hbm|\(([\d.]+)G\) exceeds available HBM \(([\d.]+)G\)/.exec(error.message);
    if (refusal === null) throw error;
    const [, used, unit, has, temporary, available] = refusal;
    const gibibytes = temporary === undefined ? { usedGiB: Number(used) / (unit === 'M' ? 1024 : 1) } : { temporaryGiB: Number(temporary) };
    return { ...result, compileSeconds: (performance.now() - start) / 1000, expected, refused: { ...gibibytes, hasGiB: Number(has ?? available) } };
  }
}

if (options.child !== undefined) {
  console.log(`RESULT ${JSON.stringify(await compileOne(JSON.parse(options.child)))}`);
  process.exit(0);
}

const file = fileURLToPath(new URL('results/ahead-of-time.json', import.meta.url));
const results = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).results : [];
const keyOf = ({ model, topology, mesh, batch, level }) => JSON.stringify([model, topology, mesh, batch, level]);

async function compiled(request) {
  const known = results.find((result) => keyOf(result) === keyOf(request));
  if (known !== undefined) return known;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [fileURLToPath(import.meta.url), '--plugin', plugin, '--child', JSON.stringify(request), ...(options.hlo ? ['--hlo', options.hlo] : [])],
    { maxBuffer: 2 ** 28 },
  );
  const result = JSON.parse(/^RESULT (.*)$/m.exec(stdout)[1]);
  results.push(result);
  mkdirSync(new URL('results/', import.meta.url), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ date: new Date().toISOString(), results }, null, 1)}\n`);
  const { model, topology, mesh, batch, refused, memory, compileSeconds } = result;
  const used = refused ? refusalText(refused) : `${gib(usedOf(memory))} GiB`;
  console.log(`${model} ${topology} ${JSON.stringify(mesh)} ${batch} images per device: ${used}, ${compileSeconds.toFixed(0)} s`);
  return result;
}

const refusalText = ({ usedGiB, temporaryGiB, hasGiB }) => `refused: ${usedGiB ?? `${temporaryGiB} temporary`} of ${hasGiB} GiB`;
const usedOf = ({ inputs, outputs, aliased, temporary, code }) => inputs + outputs - aliased + temporary + code;
const gib = (bytes) => +(bytes / 2 ** 30).toFixed(2);

/**
 * The largest batch per device: up by halves from what fits, then between what fits and what does not. Memory says little
 * of how much more will fit: close to the limit the compiler computes again what it would have kept.
 */
async function largest(request, begin) {
  let [fits, refused, batch] = [0, Infinity, begin];
  for (let i = 0; i < Number(options.tries) && refused - fits > 1; i++) {
    if ((await compiled({ ...request, batch })).refused) refused = batch;
    else fits = batch;
    batch = refused === Infinity ? Math.ceil(1.5 * fits) : Math.ceil((fits + refused) / 2);
  }
}

const wanted = options.topologies?.split(',');
for (const { topology, meshes, ...begin } of cells) {
  if (wanted && !wanted.includes(topology)) continue;
  for (const mesh of meshes.filter(({ data, fsdp }) => options.mesh === undefined || options.mesh === `${data}x${fsdp}`)) {
    for (const model of options.models.split(',')) {
      const request = { model, topology, mesh, level: options.level };
      if (begin[model] === undefined && Number(options.tries) > 0) await compiled({ ...request, batch: recipe(model).batchSize });
      else if (begin[model] !== undefined) await largest(request, begin[model]);
    }
  }
}

const sent = (list, kind) => list.filter((one) => one.kind === kind);
const total = (list) => list.reduce((sum, { bytes }) => sum + bytes, 0);
const mib = (bytes) => Math.round(bytes / 2 ** 20);
console.table(
  results.map(({ model, topology, mesh, batch, images, memory, refused, expected, compileSeconds }) => ({
    model, topology, mesh: `${mesh.data}×${mesh.fsdp}`, 'images/device': batch, images,
    ...(refused
      ? { 'in all GiB': refusalText(refused) }
      : {
          'state+batch GiB': gib(memory.inputs), 'by arithmetic': gib(expected.state + expected.batch), 'temporary GiB': gib(memory.temporary),
          'kept activations + gradients': gib(expected.keptActivations + expected.gradients), 'in all GiB': gib(usedOf(memory)),
        }),
    'compile s': Math.round(compileSeconds),
  })),
);
console.table(
  results.filter(({ refused }) => !refused).map(({ model, topology, mesh, collectives, expected, unexpectedGathers: odd }) => ({
    model, topology, mesh: `${mesh.data}×${mesh.fsdp}`,
    'gathered MiB': mib(total(sent(collectives, 'all-gather'))), 'FSDP ': mib(expected.gather),
    'scattered MiB': mib(total(sent(collectives, 'reduce-scatter'))), FSDP: mib(expected.scatter),
    'reduced MiB': mib(total(sent(collectives, 'all-reduce'))), 'FSDP + Sinkhorn': mib(expected.reduce + expected.sinkhorn),
    'permuted MiB': mib(total(sent(collectives, 'collective-permute'))), 'all-to-all MiB': mib(total(sent(collectives, 'all-to-all'))),
    'other gathers': odd.join(' '),
  })),
);
