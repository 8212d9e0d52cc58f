// From JPEG files to class and patch tokens on disk, images per second: @dinov2/features against torchvision's transforms,
// a DataLoader and transformers in PyTorch (bench/peers/torch_image_features.py), both in float32 on the CPU.
//
//   npm run build && node bench/features.mjs [--model small] [--images 128] [--rounds 5] [--python /path/to/python]
//
// The same random weights and files (500 × 375 pixels, quality 90) for both, each program in a process of its own with as
// many loading workers as there are cores, in turns; the ratio of the medians counts. Both write class tokens in float32 and
// patch tokens in float16. Processor time, of all threads and workers, depends less on what else the machine does. Ours is
// also timed reading files without a network, and computing without files: the shares of both. A last number is the time
// to open what is cached. Without torch in Python the peer is left out. Writes bench/results/features.json.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'small' },
    images: { type: 'string', default: '128' },
    rounds: { type: 'string', default: '5' },
    python: { type: 'string', default: 'python3' },
    // Of the program that the bench starts: its folders.
    weights: { type: 'string' },
    pictures: { type: 'string' },
  },
});
const workers = availableParallelism();

if (values.weights) await serve();
else await compare();

/** Answer every line on standard input, the folder of a run, with the times of one extraction. */
async function serve() {
  const { createExtractor, extractFeatures } = await import('@dinov2/features');
  const { loadEvaluationImages, openFolder } = await import('@dinov2/data');
  const { loadPretrained } = await import('@dinov2/weights');
  const { preprocessings } = await import('@dinov2/augment');
  const pretrained = await loadPretrained(values.weights, { log: false });
  const backbone = { ...pretrained, preprocessing: preprocessings.dinov2 };
  const extractor = await createExtractor(backbone, { classTokens: 1, patchTokens: [backbone.config.depth - 1] });
  const source = openFolder(values.pictures);
  const timed = async (work) => {
    const start = performance.now();
    const result = await work();
    return [(performance.now() - start) / 1000, result];
  };
  const extract = (cache) => extractFeatures(extractor, source, { cache, workers });
  const reading = async () => {
    let first;
    for await (const { images } of loadEvaluationImages(source, { preprocessing: backbone.preprocessing, batchSize: 16, workers })) first ??= images;
    return first;
  };
  console.log(JSON.stringify({ ready: true }));
  for await (const cache of createInterface({ input: process.stdin })) {
    const before = process.cpuUsage();
    const [seconds, table] = await timed(() => extract(cache));
    const { user, system } = process.cpuUsage(before);
    const sample = Array.from(table.classTokens().data.filter((_, i) => i % 97 === 0));
    await table.close();
    const [cachedSeconds, again] = await timed(() => extract(cache));
    await again.close();
    const [readingSeconds, images] = await timed(reading);
    const [computingSeconds] = await timed(() => Promise.all(Array.from({ length: source.paths.length / images.shape[0] }, () => extractor.extract(images))));
    console.log(JSON.stringify({ seconds, processorSeconds: (user + system) / 1e6, sample, cachedSeconds, readingSeconds, computingSeconds }));
  }
  await extractor.dispose();
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
  return { ready: read(), ask: (line) => (child.stdin.write(`${line}\n`), read()), stop: () => child.stdin.end() };
}

/** Pictures of the shipped sample, cut differently until there are enough. */
async function writePictures(folder, count) {
  const { default: sharp } = await import('sharp');
  const sample = fileURLToPath(new URL('../apps/pretrain/sample/pictures/', import.meta.url));
  const names = readdirSync(sample);
  mkdirSync(folder);
  for (let i = 0; i < count; i++) {
    const round = Math.floor(i / names.length);
    await sharp(join(sample, names[i % names.length]))
      .resize(500 + 40 * round, 375 + 30 * round, { fit: 'fill' })
      .extract({ left: 20 * round, top: 15 * round, width: 500, height: 375 })
      .jpeg({ quality: 90 })
      .toFile(join(folder, `${String(i).padStart(4, '0')}.jpg`));
  }
}

async function compare() {
  const { saveHuggingFace } = await import('@dinov2/weights');
  const { initialize, vitConfig } = await import('@dinov2/vit');
  const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
  const count = 16 * Math.ceil(Number(values.images) / 16);
  const folder = mkdtempSync(join(tmpdir(), 'bench-features-'));
  try {
    const [weights, pictures] = ['weights', 'pictures'].map((name) => join(folder, name));
    // As transformers resizes the position table of this architecture; LayerScale of 1, so that blocks count.
    const config = vitConfig(values.model, { interpolation: { offset: 0, antialias: false }, layerScale: 1 });
    await saveHuggingFace(weights, { config, parameters: initialize(config, 0) }, { log: false });
    await writePictures(pictures, count);
    const shared = ['--pictures', pictures];
    const programs = {
      ours: () => start(process.execPath, [fileURLToPath(import.meta.url), '--weights', weights, ...shared]),
      PyTorch: () =>
        start(values.python, [fileURLToPath(new URL('peers/torch_image_features.py', import.meta.url)), '--model', weights, '--workers', String(workers), ...shared]),
    };
    let run = 0;
    const once = async (program) => {
      const out = join(folder, `run-${run++}`);
      const answer = await program.ask(out);
      rmSync(out, { recursive: true });
      await pause(300); // threads of the program spin for a while
      return answer;
    };
    const measured = {};
    for (const [name, launch] of Object.entries(programs)) {
      const program = launch();
      try {
        await program.ready;
        await once(program); // compiles, allocates, brings the files into memory
        measured[name] = { program, rounds: [] };
      } catch (error) {
        console.error(`${name} is left out: ${error.message}`);
      }
    }
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const row of Object.values(measured)) row.rounds.push(await once(row.program));
    }
    Object.values(measured).forEach(({ program }) => program.stop());

    const of = (name, key) => median(measured[name].rounds.map((row) => row[key]));
    const seconds = of('ours', 'seconds');
    const result = {
      model: values.model,
      images: count,
      ours: {
        imagesPerSecond: count / seconds,
        processorSecondsPerImage: of('ours', 'processorSeconds') / count,
        readingAlone: of('ours', 'readingSeconds') / seconds,
        computingAlone: of('ours', 'computingSeconds') / seconds,
        openingCached: of('ours', 'cachedSeconds'),
        seconds: measured.ours.rounds.map((row) => row.seconds),
      },
    };
    console.log(`ViT ${values.model}/14, ${count} files of 500 × 375, ${workers} cores`);
    console.log(`ours: ${result.ours.imagesPerSecond.toFixed(1)} images/s`);
    console.log(`  reading files alone takes ${(100 * result.ours.readingAlone).toFixed(0)} % of that time, computing alone ${(100 * result.ours.computingAlone).toFixed(0)} %`);
    console.log(`  opening the cached features: ${(1000 * result.ours.openingCached).toFixed(0)} ms`);
    if (measured.PyTorch) {
      const [a, b] = [measured.ours.rounds[0].sample, measured.PyTorch.rounds[0].sample];
      const difference = Math.max(...a.map((x, i) => Math.abs(x - b[i])));
      result.PyTorch = {
        imagesPerSecond: count / of('PyTorch', 'seconds'),
        oursIsFaster: of('PyTorch', 'seconds') / seconds,
        processorSecondsPerImage: of('PyTorch', 'processorSeconds') / count,
        largestDifference: difference,
        seconds: measured.PyTorch.rounds.map((row) => row.seconds),
      };
      console.log(`PyTorch: ${result.PyTorch.imagesPerSecond.toFixed(1)} images/s; ours is ${result.PyTorch.oursIsFaster.toFixed(2)}x as fast, with ${(of('PyTorch', 'processorSeconds') / of('ours', 'processorSeconds')).toFixed(2)}x less processor time; class tokens differ by at most ${difference.toExponential(1)}`);
      // Both decode with libjpeg-turbo and resize as Pillow; what is left is rounding.
      if (!(difference < 1e-3)) throw new Error(`the class tokens of both differ by ${difference}`);
    }
    const output = new URL('results/', import.meta.url);
    mkdirSync(output, { recursive: true });
    const cpu = /model name\s*:\s*(.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? cpus()[0].model;
    writeFileSync(new URL('features.json', output), `${JSON.stringify({ date: new Date().toISOString(), cpu, threads: workers, ...result }, null, 2)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
