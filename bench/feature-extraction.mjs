// Class and patch tokens of 224-pixel images: ours against @huggingface/transformers and PyTorch, all on the CPU in float32.
//
//   npm run build && node bench/feature-extraction.mjs [--models small,base] [--batch 1,16] [--rounds 9] [--python /path/to/python]
//
// The same random weights for all, from one folder that `saveTransformersJs` writes. Every program runs in a process of its
// own with its default settings and takes turns with the others; the ratio of the medians counts. transformers.js runs our
// ONNX export and, where Python has the `onnx` package, the one of torch.onnx. Ours is the extractor of @dinov2/features: a
// single image on all threads of one engine, 16 images on an engine per core. Without torch and transformers in Python,
// those peers are left out. Writes bench/results/feature-extraction.json.
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    models: { type: 'string', default: 'small,base' },
    batch: { type: 'string', default: '1,16' },
    rounds: { type: 'string', default: '9' },
    python: { type: 'string', default: 'python3' },
    // Of a program that the bench starts: which, its model folder and its file of pixels (B, 3, 224, 224).
    program: { type: 'string' },
    model: { type: 'string' },
    pixels: { type: 'string' },
  },
});

const side = 224;
const channels = 3;

if (values.program) await serve();
else await compare();

/** Answer every line on standard input with the time of one extraction. */
async function serve() {
  const pixels = new Float32Array(new Uint8Array(readFileSync(values.pixels)).buffer);
  const extract = await (values.program === 'ours' ? ours(pixels) : transformersJs(pixels));
  console.log(JSON.stringify({ ready: true }));
  for await (const _ of createInterface({ input: process.stdin })) {
    const start = performance.now();
    const tokens = await extract(); // (B, T, D)
    const seconds = (performance.now() - start) / 1000;
    const sample = Array.from(tokens.filter((_, i) => i % 997 === 0));
    console.log(JSON.stringify({ seconds, sample, peakBytes: process.resourceUsage().maxRSS * 1024 }));
  }
  process.exit(0);
}

async function transformersJs(pixels) {
  const { AutoModel, env, Tensor } = await import('@huggingface/transformers');
  env.allowRemoteModels = false;
  env.localModelPath = '';
  const model = await AutoModel.from_pretrained(values.model);
  const pixel_values = new Tensor('float32', pixels, [pixels.length / (channels * side * side), channels, side, side]);
  return async () => (await model({ pixel_values })).last_hidden_state.data;
}

async function ours(pixels) {
  const { createExtractor } = await import('@dinov2/features');
  const { loadPretrained } = await import('@dinov2/weights');
  const { config, ...backbone } = await loadPretrained(values.model, { log: false });
  const images = channelsLast(pixels);
  const batch = images.length / (channels * side * side);
  const outputs = { classTokens: 1, patchTokens: [config.depth - 1] };
  // A single image is computed by all cores of an engine in this thread; the default is a worker for each core.
  const extractor = await createExtractor({ config, ...backbone }, outputs, batch === 1 ? { engine: (await import('@dinov2/engine-onnx')).onnxEngine() } : {});
  return async () => {
    const { classTokens, patchTokens } = await extractor.extract({ data: images, shape: [batch, side, side, channels] });
    return concatenated(classTokens.data, patchTokens.data, batch);
  };
}

/** (B, T, D) of class tokens (B, 1, D) and patch tokens (B, …, D). */
function concatenated(classTokens, patchTokens, batch) {
  const [D, N] = [classTokens.length / batch, patchTokens.length / batch];
  const tokens = new Float32Array(classTokens.length + patchTokens.length);
  for (let i = 0; i < batch; i++) {
    tokens.set(classTokens.subarray(i * D, (i + 1) * D), i * (D + N));
    tokens.set(patchTokens.subarray(i * N, (i + 1) * N), i * (D + N) + D);
  }
  return tokens;
}

function channelsLast(pixels) {
  const plane = side * side;
  const out = new Float32Array(pixels.length);
  for (let i = 0; i < out.length; i++) {
    const image = Math.floor(i / (plane * channels));
    const [pixel, channel] = [Math.floor(i / channels) % plane, i % channels];
    out[i] = pixels[(image * channels + channel) * plane + pixel];
  }
  return out;
}

function start(command, args) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const failed = new Promise((_, reject) => child.on('error', reject));
  const read = async () => {
    const { value, done } = await Promise.race([lines.next(), failed]);
    if (done) throw new Error('it ended early');
    return JSON.parse(value);
  };
  return {
    ready: read(),
    ask: () => (child.stdin.write('\n'), read()),
    stop: () => child.stdin.end(),
  };
}

/** Weights that keep activations of order one, norms and LayerScale around one. */
async function randomModel(size) {
  const { parameterShapes, vitConfig } = await import('@dinov2/vit');
  // As transformers resizes the position table of this architecture.
  const config = vitConfig(size, { interpolation: { offset: 0, antialias: false } });
  const parameters = Object.fromEntries(
    Object.entries(parameterShapes(config)).map(([name, shape]) => {
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
      const around = /norm\d?\.weight$|gamma$/.test(name) ? 1 : 0;
      const bound = /weight$/.test(name) && shape.length > 1 ? Math.sqrt(3 / shape.slice(1).reduce((a, b) => a * b, 1)) : 0.1;
      for (let i = 0; i < data.length; i++) data[i] = around + bound * (2 * Math.random() - 1);
      return [name, { data, shape }];
    }),
  );
  return { config, parameters };
}

async function compare() {
  const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
  const here = fileURLToPath(import.meta.url);
  const peer = fileURLToPath(new URL('peers/torch_features.py', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'feature-extraction-'));
  try {
    const results = [];
    for (const model of values.models.split(',')) {
      const { saveTransformersJs } = await import('@dinov2/weights');
      const saved = join(folder, model);
      await saveTransformersJs(saved, await randomModel(model), { log: false });
      const exported = `${saved}-torch`;
      mkdirSync(join(exported, 'onnx'), { recursive: true });
      for (const file of ['config.json', 'preprocessor_config.json']) copyFileSync(join(saved, file), join(exported, file));
      const byTorch = spawnSync(values.python, [peer, '--model', saved, '--export', join(exported, 'onnx/model.onnx')], { stdio: 'ignore' });
      for (const batch of values.batch.split(',').map(Number)) results.push(await measure(model, saved, byTorch.status === 0 ? exported : undefined, batch));
      for (const path of [saved, exported]) rmSync(path, { recursive: true });
    }
    const output = new URL('results/', import.meta.url);
    mkdirSync(output, { recursive: true });
    const cpu = /model name\s*:\s*(.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? cpus()[0].model;
    writeFileSync(
      new URL('feature-extraction.json', output),
      `${JSON.stringify({ date: new Date().toISOString(), cpu, threads: availableParallelism(), results }, null, 2)}\n`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }

  async function measure(model, saved, exported, batch) {
    const pixels = join(folder, `pixels-${batch}.f32`);
    writeFileSync(pixels, Float32Array.from({ length: batch * channels * side * side }, () => 4 * Math.random() - 2));
    const node = (program, path) => () => start(process.execPath, [here, '--program', program, '--model', path, '--pixels', pixels]);
    const programs = {
      ours: node('ours', saved),
      'transformers.js, our export': node('transformers.js', saved),
      ...(exported && { 'transformers.js, torch export': node('transformers.js', exported) }),
      PyTorch: () => start(values.python, [peer, '--model', saved, '--pixels', pixels]),
    };
    const measured = {};
    for (const [name, launch] of Object.entries(programs)) {
      const program = launch();
      try {
        await program.ready;
        await program.ask(); // compiles, allocates
        measured[name] = { program, ...(await program.ask()), all: [] };
      } catch (error) {
        console.error(`${name} is left out: ${error.message}`);
      }
    }
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const row of Object.values(measured)) {
        // Threads of the program before spin for a while.
        await pause(100);
        for (let i = 0; i < (batch === 1 ? 5 : 1); i++) {
          const { seconds, peakBytes } = await row.program.ask();
          row.all.push(seconds);
          row.peakBytes = peakBytes;
        }
      }
    }
    Object.values(measured).forEach((row) => row.program.stop());
    const reference = measured.ours;
    const rows = Object.fromEntries(
      Object.entries(measured).map(([name, { all, sample, peakBytes }]) => [
        name,
        {
          imagesPerSecond: batch / median(all),
          oursIsFaster: median(all) / median(reference.all),
          largestDifference: Math.max(...sample.map((x, i) => Math.abs(x - reference.sample[i]))),
          peakBytes,
          seconds: all,
        },
      ]),
    );
    for (const [name, { largestDifference }] of Object.entries(rows)) {
      if (!(largestDifference < 1e-4)) throw new Error(`${model}, batch ${batch}: ${name} differs by ${largestDifference}`);
    }
    console.log(`\nViT ${model}/14, batch ${batch}`);
    console.table(
      Object.fromEntries(
        Object.entries(rows).map(([name, row]) => [
          name,
          {
            'images/s': row.imagesPerSecond.toFixed(1),
            'ours is faster': `${row.oursIsFaster.toFixed(2)}x`,
            difference: row.largestDifference.toExponential(1),
            'peak MB': Math.round(row.peakBytes / 1e6),
          },
        ]),
      ),
    );
    return { model, batch, programs: rows };
  }
}
