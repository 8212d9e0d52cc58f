// A DINOv2 training step in TensorFlow: as one graph against the same graph op by op, in the same tfjs-node.
//
//   npm run build && DINOV2_TFJS_NODE=… node bench/tensorflow-graph.mjs [--model small] [--depth 4,12] [--batch 2] [--steps 5]
//     [--precision bfloat16 [--half-kernels]] [--xla] [--onnx]
//
// ViT-S/14 cut to `depth` blocks, 4096 prototypes, 2×224 + 8×98 crops. Each program runs in a process of its own and they
// take turns, step by step; the ratio of the medians counts.
// CPU seconds say what a busy machine hides. Writes bench/results/tensorflow-graph.json.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'small' },
    depth: { type: 'string', default: '4,12' },
    batch: { type: 'string', default: '2' },
    steps: { type: 'string', default: '5' },
    precision: { type: 'string', default: 'float32' },
    xla: { type: 'boolean', default: false },
    'half-kernels': { type: 'boolean', default: false },
    onnx: { type: 'boolean', default: false },
    worker: { type: 'string' },
  },
});

if (values.worker) await worker(values.worker);
else await compareAll();

/** Answers `step` lines on standard input with a line of JSON. */
async function worker(name) {
  await import('@tensorflow/tfjs');
  const { multiCropRecipe } = await import('@dinov2/augment');
  const { loadTfjsNode, tensorflowEngine } = await import('@dinov2/engine-tensorflow');
  const { eagerEngine, float32, jit, mixedPrecision } = await import('@dinov2/jit');
  const { assembleBatch, createStep, initialState, initialStudent } = await import('@dinov2/trainer');
  const { vitConfig } = await import('@dinov2/vit');

  const batchSize = Number(values.batch);
  const head = { prototypes: 4096, hiddenDim: 2048, bottleneckDim: 256, layers: 3 };
  const config = {
    seed: 0, iterations: 1000, batchSize, accumulationSteps: 1,
    model: vitConfig(values.model, { depth: Number(values.depth), patchSize: 14, imageSize: 224, layerScale: 1e-5 }),
    dropPath: { rate: 0.3, uniform: true },
    crops: multiCropRecipe(),
    dino: { lossWeight: 1, koleoWeight: 0.1, head },
    ibot: { lossWeight: 1, separateHead: false, head, maskProbability: 0.5, maskRatio: [0.1, 0.5] },
    centering: 'sinkhorn_knopp',
    optimizer: {
      baseLearningRate: 2e-3, minLearningRate: 1e-6, warmupIterations: 10, freezeLastLayerIterations: 1, weightDecay: 0.04,
      weightDecayEnd: 0.2, clipGradient: 3, layerwiseDecay: 0.9, patchEmbedMultiplier: 0.2, beta1: 0.9, beta2: 0.999,
    },
    teacher: { momentum: 0.994, momentumEnd: 1, warmupTemperature: 0.05, temperature: 0.05, temperatureWarmupIterations: 1 },
    logEvery: 1, checkpointEvery: 1000, keepCheckpoints: 1, evaluateEvery: 0,
  };
  const engines = {
    async graph() {
      return tensorflowEngine({ xla: values.xla, ...(values['half-kernels'] && { halfKernels: true }) });
    },
    async 'op by op'() {
      await loadTfjsNode();
      return eagerEngine({ backend: 'tensorflow' });
    },
    async onnx() {
      return (await import('@dinov2/engine-onnx')).onnxEngine();
    },
  };
  const engine = await engines[name]();
  const precision = values.precision === 'float32' || name !== 'graph' ? float32 : mixedPrecision(values.precision);
  const step = jit(createStep(config).trainStep, { engine, donate: [0], precision });
  let state = initialState(engine, config, initialStudent(config));
  let seed = 1;
  const bytes = (count) => Uint8Array.from({ length: count }, () => (seed = (seed * 48271) % 2147483647) & 255);
  const crops = {
    globalCrops: bytes(2 * batchSize * 224 * 224 * 3),
    localCrops: bytes(8 * batchSize * 98 * 98 * 3),
    globalAugmentation: new Float32Array(2 * batchSize * 12),
    localAugmentation: new Float32Array(8 * batchSize * 12),
  };
  let t = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    if (line !== 'step') continue;
    const batch = assembleBatch(config, crops, t++);
    const start = performance.now();
    const cpu = process.cpuUsage();
    const out = await step(state, undefined, batch, {
      learningRate: 1e-4, lastLayerLearningRate: 1e-4, weightDecay: 0.04, teacherMomentum: 0.994, teacherTemperature: 0.05,
      correction1: 1 / (1 - 0.9 ** t), correction2: 1 / (1 - 0.999 ** t),
    });
    state = out.state;
    const metrics = await out.metrics.data();
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    out.metrics.dispose();
    const loss = metrics.slice(0, 4).reduce((a, b) => a + b, 0);
    console.log(JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6, loss, peakGiB: process.resourceUsage().maxRSS / 2 ** 20, runtime: engine.info.runtime }));
  }
  process.exit(0);
}

function start(name, depth) {
  const args = ['--depth', depth, ...['model', 'batch', 'precision'].flatMap((option) => [`--${option}`, values[option]])];
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' };
  for (const option of ['xla', 'half-kernels']) if (values[option]) args.push(`--${option}`);
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), '--worker', name, ...args], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async step() {
      child.stdin.write('step\n');
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error(`${name} ended early`);
        if (value.startsWith('{')) return JSON.parse(value);
      }
    },
    end: () => child.stdin.end(),
  };
}

async function compare(depth) {
  const names = ['graph', 'op by op', ...(values.onnx ? ['onnx'] : [])];
  const programs = Object.fromEntries(names.map((name) => [name, start(name, depth)]));
  const results = Object.fromEntries(names.map((name) => [name, []]));
  // The first step compiles; it is kept apart.
  for (let i = 0; i <= Number(values.steps); i++) {
    for (const name of names) results[name].push(await programs[name].step());
  }
  Object.values(programs).forEach(({ end }) => end());
  const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
  const summary = Object.fromEntries(
    Object.entries(results).map(([name, [first, ...steps]]) => [
      name,
      {
        secondsPerStep: +median(steps.map(({ seconds }) => seconds)).toFixed(3),
        cpuSecondsPerStep: +median(steps.map(({ cpuSeconds }) => cpuSeconds)).toFixed(3),
        firstStep: +first.seconds.toFixed(1),
        firstLoss: +first.loss.toFixed(4),
        lastLoss: +steps.at(-1).loss.toFixed(4),
        peakGiB: +steps.at(-1).peakGiB.toFixed(2),
      },
    ]),
  );
  const ratio = summary['op by op'].secondsPerStep / summary.graph.secondsPerStep;
  console.table(summary);
  console.log(`${depth} blocks: the graph is ${ratio.toFixed(2)}x as fast`);
  return {
    depth: Number(depth), runtime: results.graph[0].runtime, summary, ratio,
    seconds: Object.fromEntries(Object.entries(results).map(([name, steps]) => [name, steps.map(({ seconds }) => seconds)])),
  };
}

async function compareAll() {
  const results = [];
  for (const depth of values.depth.split(',')) results.push(await compare(depth));
  const { model, batch, precision, xla } = values;
  const result = { date: new Date().toISOString(), cpu: cpus()[0].model, threads: cpus().length, model, batch: Number(batch), precision, xla, results };
  mkdirSync(new URL('results/', import.meta.url), { recursive: true });
  writeFileSync(new URL('results/tensorflow-graph.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
}
