// One DINOv2 training step of ViT-S/14, 2×224 + 8×98 crops: ours against PyTorch on the CPU.
//
//   npm run build && node bench/train-step.mjs [--batch 4,8] [--steps 5] [--python /path/to/python]
//
// Both programs run in processes of their own and take turns, step by step; the ratio of the medians
// counts. Python needs torch; without it only our side is measured. Writes bench/results/train-step.json.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    batch: { type: 'string', default: '4,8' },
    steps: { type: 'string', default: '5' },
    prototypes: { type: 'string', default: '65536' },
    python: { type: 'string', default: 'python3' },
    threads: { type: 'string', default: String(availableParallelism()) },
    worker: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
  },
});

if (values.worker) await worker();
else await compare();

/** Our side: answers `step`, `matmul` and `profile` lines on standard input with a line of JSON. */
async function worker() {
  await import('@tensorflow/tfjs');
  const { multiCropRecipe } = await import('@dinov2/augment');
  const { onnxEngine } = await import('@dinov2/engine-onnx');
  const { formatProfile, jit } = await import('@dinov2/jit');
  const { assembleBatch, createStep, initialState, initialStudent } = await import('@dinov2/trainer');
  const { vitConfig } = await import('@dinov2/vit');
  const tf = await import('@tensorflow/tfjs-core');

  const batchSize = Number(values.batch);
  const head = { prototypes: Number(values.prototypes), hiddenDim: 2048, bottleneckDim: 256, layers: 3 };
  const config = {
    seed: 0, iterations: 1000, batchSize, accumulationSteps: 1,
    model: vitConfig('small', { patchSize: 14, imageSize: 224, layerScale: 1e-5 }),
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
  const threads = Number(values.threads);
  const engine = await onnxEngine({ threads });
  let state = initialState(engine, config, initialStudent(config));
  const step = jit(createStep(config).trainStep, { engine, donate: [0] });
  const product = jit((a, b) => tf.matMul(a, b), { engine });

  const random = (count) => Float32Array.from({ length: count }, Math.random);
  const bytes = (count) => Uint8Array.from({ length: count }, () => Math.random() * 256);
  const crops = {
    globalCrops: bytes(2 * batchSize * 224 * 224 * 3),
    localCrops: bytes(8 * batchSize * 98 * 98 * 3),
    // No colour changes: PyTorch's side gets ready tensors too.
    globalAugmentation: new Float32Array(2 * batchSize * 12),
    localAugmentation: new Float32Array(8 * batchSize * 12),
  };
  const scalars = (t) => ({
    learningRate: 1e-4, lastLayerLearningRate: 1e-4, weightDecay: 0.04, teacherMomentum: 0.994, teacherTemperature: 0.05,
    correction1: 1 / (1 - 0.9 ** t), correction2: 1 / (1 - 0.999 ** t),
  });
  let t = 0;
  const answers = {
    async step() {
      const batch = assembleBatch(config, crops, t++);
      const start = performance.now();
      const out = await step(state, undefined, batch, scalars(t));
      state = out.state;
      const metrics = await out.metrics.data();
      const seconds = (performance.now() - start) / 1000;
      out.metrics.dispose();
      return { seconds, loss: metrics.slice(0, 4).reduce((a, b) => a + b, 0), peakBytes: peakBytes() };
    },
    async matmul() {
      const n = 2048;
      const operands = [0, 1].map(() => engine.put(random(n * n), [n, n], 'float32'));
      const once = async () => (await product(...operands)).dispose();
      await once();
      const start = performance.now();
      for (let i = 0; i < 5; i++) await once();
      const seconds = (performance.now() - start) / 5e3;
      operands.forEach((operand) => operand.dispose());
      return { gflops: (2 * n ** 3) / seconds / 1e9 };
    },
    async profile() {
      const { result, entries } = await step.profile(state, undefined, assembleBatch(config, crops, t++), scalars(t));
      state = result.state;
      result.metrics.dispose();
      return { flops: entries.reduce((sum, entry) => sum + entry.flops, 0), text: formatProfile(entries) };
    },
  };
  console.log(JSON.stringify({ ready: true }));
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await answers[line.trim()]()));
  }
  process.exit(0);
}

/** Largest resident set of this process so far. */
function peakBytes() {
  return process.resourceUsage().maxRSS * 1024;
}

function start(command, args) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const failed = new Promise((_, reject) => child.on('error', reject));
  const read = async () => {
    const { value, done } = await Promise.race([lines.next(), failed]);
    if (done) throw new Error(`${command} ended early`);
    return JSON.parse(value);
  };
  return {
    ready: read(),
    ask: (line) => (child.stdin.write(`${line}\n`), read()),
    stop: () => child.stdin.end(),
  };
}

async function compare() {
  const here = fileURLToPath(import.meta.url);
  const peer = fileURLToPath(new URL('peers/torch_train_step.py', import.meta.url));
  const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
  const results = [];
  for (const batch of values.batch.split(',').map(Number)) {
    const common = ['--batch', batch, '--prototypes', values.prototypes, '--threads', values.threads].map(String);
    const programs = {
      ours: start(process.execPath, [here, '--worker', ...common]),
      torch: start(values.python, [peer, ...common]),
      'torch bfloat16': start(values.python, [peer, '--autocast', ...common]),
    };
    const measured = {};
    for (const [name, program] of Object.entries(programs)) {
      try {
        await program.ready;
        await program.ask('step'); // compiles, allocates
        await program.ask('step');
        measured[name] = { seconds: [], gflops: [] };
      } catch (error) {
        console.error(`${name} is left out: ${error.message}`);
      }
    }
    for (let i = 0; i < Number(values.steps); i++) {
      for (const [name, row] of Object.entries(measured)) {
        row.gflops.push((await programs[name].ask('matmul')).gflops);
        const { seconds, peakBytes: bytes } = await programs[name].ask('step');
        row.seconds.push(seconds);
        row.peakBytes = bytes;
      }
    }
    const profile = await programs.ours.ask('profile');
    if (values.profile) console.log(profile.text);
    Object.values(programs).forEach((program) => program.stop());
    const ours = measured.ours;
    const row = {
      batch,
      flops: profile.flops,
      shareOfMatmulRate: profile.flops / median(ours.seconds) / 1e9 / median(ours.gflops),
      programs: Object.fromEntries(
        Object.entries(measured).map(([name, { seconds, peakBytes, gflops }]) => [
          name,
          { seconds: median(seconds), imagesPerSecond: batch / median(seconds), peakBytes, matmulGflops: median(gflops), all: seconds },
        ]),
      ),
    };
    if (measured.torch) {
      row.speedRatio = median(measured.torch.seconds) / median(ours.seconds);
      row.memoryRatio = ours.peakBytes / measured.torch.peakBytes;
    }
    results.push(row);
    console.log(`\nbatch ${batch}: ${(row.flops / 1e9).toFixed(0)} GFLOP, ${(100 * row.shareOfMatmulRate).toFixed(0)} % of the rate of a 2048³ product`);
    console.table(
      Object.fromEntries(
        Object.entries(row.programs).map(([name, p]) => [
          name,
          {
            's/step': p.seconds.toFixed(2),
            'images/s': p.imagesPerSecond.toFixed(2),
            'peak MB': Math.round(p.peakBytes / 1e6),
            'speed, ours = 1': (ours ? median(ours.seconds) / p.seconds : NaN).toFixed(2),
          },
        ]),
      ),
    );
    if (row.speedRatio) console.log(`ours / torch: ${row.speedRatio.toFixed(2)}x images/s, ${row.memoryRatio.toFixed(2)}x peak memory`);
  }
  const folder = new URL('results/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const model = /model name\s*:\s*(.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? cpus()[0].model;
  writeFileSync(
    new URL('train-step.json', folder),
    `${JSON.stringify({ date: new Date().toISOString(), cpu: model, threads: Number(values.threads), results }, null, 2)}\n`,
  );
}
