// Loading a ViT-g (1.1 B parameters at random, float32, 4.5 GB) against reading its file: time, and peak memory against its size.
// Usage: node bench/load-weights.mjs [--size giant2] [--rounds 5] [--folder DIR] [--python python3]; needs `npm run build`,
// 5 GB of disk (10 GB with --python) and 6 GB of memory.
//
// Every measurement is a process of its own: it imports, then times one load, then reports its peak resident memory (VmHWM).
// The file is in the page cache throughout, so that the disk's speed does not hide ours.
// Two ways of reading are measured: into fresh memory, which the kernel must provide page by page and a loader cannot avoid,
// and through one small buffer that is reused, which keeps nothing. Each measurement comes right after one of the first way,
// and "× reading" is the median of their ratios: of time, and of the processor time of all threads, which other programs on
// the machine disturb less.
// With --python the same weights are also a .pth of torch.save, and safetensors.torch and torch.load are measured as peers.
// Prints a table and writes bench/results/load-weights.json.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: 'giant2' },
    rounds: { type: 'string', default: '5' },
    folder: { type: 'string' },
    python: { type: 'string' },
    way: { type: 'string' },
    path: { type: 'string' },
  },
});

const chunk = 16 << 20;
const baseline = 'read into fresh memory';

/** Read a whole file by `readers` requests at a time, each into the part of memory that `place` gives for it. */
async function readWhole(path, readers, place) {
  const { size } = statSync(path);
  const file = await open(path);
  let next = 0;
  const reader = async () => {
    while (next < size) {
      const begin = next;
      next += chunk;
      for (let done = 0, length = Math.min(chunk, size - begin); done < length; ) {
        done += (await file.read(place(begin, length), done, length - done, begin + done)).bytesRead;
      }
    }
  };
  await Promise.all(Array.from({ length: readers }, reader));
  await file.close();
}

/** Read a whole file and keep it, in arrays of 512 MiB: Node 20 makes none of more than 4 GiB. */
async function readFresh(path, readers) {
  const { size } = statSync(path);
  const block = 32 * chunk;
  const memory = Array.from({ length: Math.ceil(size / block) }, (_, i) => new Uint8Array(Math.min(block, size - i * block)));
  await readWhole(path, readers, (begin, length) => memory[Math.floor(begin / block)].subarray(begin % block, (begin % block) + length));
  return memory;
}

const ways = {
  [baseline]: (path) => readFresh(path, 4),
  'read into fresh memory, one request at a time': (path) => readFresh(path, 1),
  'read through one buffer': async (path) => {
    const buffer = new Uint8Array(chunk);
    await readWhole(path, 1, (_, length) => buffer.subarray(0, length));
  },
  'openWeights, readInto': async (path) => {
    const { openWeights } = await import('@dinov2/weights');
    return async () => {
      const file = await openWeights(path);
      const tensors = [];
      for (const [name, { shape }] of file.entries) {
        const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
        await file.readInto(name, data);
        tensors.push(data);
      }
      await file.close();
      return tensors;
    };
  },
  loadPretrained: async (path) => {
    const { loadPretrained } = await import('@dinov2/weights');
    return () => loadPretrained(path, { log: false });
  },
};
ways['openWeights, readInto (.pth)'] = ways['openWeights, readInto'];
ways['loadPretrained (.pth)'] = ways.loadPretrained;

const peer = (code) => `
import json, re, sys, time
import torch
${code.import ?? ''}
start, cpu_start = time.perf_counter(), time.process_time()
${code.run}
seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read()).group(1)) / 1024
print(json.dumps({"seconds": seconds, "cpuSeconds": cpu_seconds, "peakMegabytes": peak}))
`;
// load_file maps the file; the clone is what makes tensors of their own, as the other ways do.
const peers = {
  'safetensors.torch.load_file, clone': peer({ import: 'from safetensors.torch import load_file', run: 'tensors = {name: t.clone() for name, t in load_file(sys.argv[1]).items()}' }),
  'torch.load (.pth)': peer({ run: 'tensors = torch.load(sys.argv[1], map_location="cpu", mmap=False)' }),
};

/** Time one way in this process. */
async function measure(way, path) {
  const direct = way.startsWith('read');
  const run = direct ? () => ways[way](path) : await ways[way](path);
  const start = performance.now();
  const cpuStart = process.cpuUsage();
  const kept = await run();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpuStart);
  const peakMegabytes = Number(readFileSync('/proc/self/status', 'utf8').match(/VmHWM:\s+(\d+) kB/)[1]) / 1024;
  return { seconds, cpuSeconds: (user + system) / 1e6, peakMegabytes, kept: kept !== undefined };
}

/** A model's parameters at random under the names of DINOv2's repository. */
async function writeModel(path) {
  const { parameterShapes, vitConfig } = await import('@dinov2/vit');
  const { writeSafetensors } = await import('@dinov2/weights');
  const noise = Float32Array.from({ length: 1 << 20 }, () => Math.random() * 0.04 - 0.02);
  const tensors = Object.entries(parameterShapes(vitConfig(values.size))).map(([name, shape]) => {
    const load = async () => {
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
      for (let done = 0; done < data.length; done += noise.length) data.set(noise.subarray(0, data.length - done), done);
      return data;
    };
    return [name, { shape, dtype: 'F32', load }];
  });
  await writeSafetensors(path, Object.fromEntries(tensors), { format: 'pt' });
}

const toPth = `
import sys
import torch
from safetensors.torch import load_file
torch.save(load_file(sys.argv[1]), sys.argv[2])
`;

async function main() {
  const folder = mkdtempSync(join(values.folder ?? tmpdir(), 'load-weights-'));
  try {
    const safetensors = join(folder, 'model.safetensors');
    const pth = join(folder, 'model.pth');
    await writeModel(safetensors);
    if (values.python !== undefined) execFileSync(values.python, ['-c', toPth, safetensors, pth]);
    const all = [...Object.keys(ways), ...Object.keys(peers)].filter((way) => values.python !== undefined || !(way.includes('.pth') || way in peers));
    const pathOf = (way) => (way.includes('.pth') ? pth : safetensors);
    const runOnce = (way) => {
      const output =
        way in peers
          ? execFileSync(values.python, ['-c', peers[way], pathOf(way)], { encoding: 'utf8' })
          : execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--way', way, '--path', pathOf(way)], { encoding: 'utf8' });
      return JSON.parse(output.trim().split('\n').at(-1));
    };
    // Once to bring the files into the page cache.
    for (const path of new Set(all.map(pathOf))) await ways['read through one buffer'](path);
    const rounds = [];
    for (let round = 0; round < Number(values.rounds); round++) {
      const measured = {};
      for (const way of all) measured[way] = { before: runOnce(baseline), ...runOnce(way) };
      rounds.push(measured);
      console.error(`round ${round + 1}: ${all.map((way) => `${way} ${measured[way].seconds.toFixed(2)} s`).join(', ')}`);
    }

    const bytes = statSync(safetensors).size;
    const median = (numbers) => numbers.toSorted((x, y) => x - y)[numbers.length >> 1];
    const of = (way, key) => rounds.map((round) => round[way][key]);
    const results = Object.fromEntries(
      all.map((way) => {
        const peakMegabytes = Math.max(...of(way, 'peakMegabytes'));
        const ratio = (key) => median(rounds.map((round) => round[way][key] / round[way].before[key]));
        return [
          way,
          {
            seconds: median(of(way, 'seconds')),
            fastest: Math.min(...of(way, 'seconds')),
            cpuSeconds: median(of(way, 'cpuSeconds')),
            toReading: { seconds: ratio('seconds'), cpuSeconds: ratio('cpuSeconds') },
            peakMegabytes,
            toFile: (peakMegabytes * 2 ** 20) / bytes,
          },
        ];
      }),
    );
    console.log(`${values.size}: ${(bytes / 1e9).toFixed(2)} GB, load average ${loadavg()[0].toFixed(1)} on ${cpus().length} cores`);
    console.log('way                                            seconds  fastest  × reading  cpu s  × reading   peak MB  × file');
    for (const [way, { seconds, fastest, cpuSeconds, toReading, peakMegabytes, toFile }] of Object.entries(results)) {
      const columns = [
        [seconds.toFixed(2), 8],
        [fastest.toFixed(2), 9],
        [toReading.seconds.toFixed(2), 11],
        [cpuSeconds.toFixed(2), 7],
        [toReading.cpuSeconds.toFixed(2), 11],
        [peakMegabytes.toFixed(0), 10],
        [toFile.toFixed(2), 8],
      ];
      console.log(way.padEnd(46) + columns.map(([text, width]) => text.padStart(width)).join(''));
    }
    mkdirSync(new URL('results/', import.meta.url), { recursive: true });
    writeFileSync(
      new URL('results/load-weights.json', import.meta.url),
      `${JSON.stringify({ cpu: cpus()[0].model, cores: cpus().length, loadAverage: loadavg()[0], node: process.version, date: new Date().toISOString(), size: values.size, bytes, results, rounds }, null, 2)}\n`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (values.way !== undefined) console.log(JSON.stringify(await measure(values.way, values.path)));
else await main();
