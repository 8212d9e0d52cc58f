// What embedding costs beyond the extraction of features: hashes, quality columns and Parquet parts, as a ratio.
// Usage: node bench/embed-overhead.mjs [--images 128] [--rounds 3]; needs `npm run build`.
//
// `embedImages` of @dinov2/curation beside `extractFeatures` of @dinov2/features on the same 500 × 375 JPEGs with a cold folder,
// in turns: raw pixels, where decoding is all the work, and ViT-S/14 of random weights at 224 pixels. Counted is processor time
// of all threads, so that other programs on the machine disturb less. Writes bench/results/embed-overhead.json.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { preprocessings } from '@dinov2/augment';
import { embedImages } from '@dinov2/curation';
import { openFolder, takeImages } from '@dinov2/data';
import { createExtractor, extractFeatures, pixelExtractor, randomBackbone } from '@dinov2/features';
import { vitConfig } from '@dinov2/vit';
import sharp from 'sharp';

const { values } = parseArgs({ options: { images: { type: 'string', default: '128' }, rounds: { type: 'string', default: '3' } } });
const images = Number(values.images);
const rounds = Number(values.rounds);

const folder = mkdtempSync(join(tmpdir(), 'embed-overhead-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const pictures = new URL('../apps/pretrain/sample/pictures/', import.meta.url);
mkdirSync(join(folder, 'pictures'));
for (const name of readdirSync(pictures)) {
  await sharp(fileURLToPath(new URL(name, pictures))).resize(500, 375).jpeg({ quality: 90 }).toFile(join(folder, 'pictures', name));
}
const all = openFolder(join(folder, 'pictures'));
// The same picture again is another image: files differ by path.
const source = takeImages(all, Array.from({ length: images }, (_, i) => i % all.paths.length));
source.boxes = Array.from({ length: images }, (_, i) => ({ left: 0, top: 0, width: 500 - Math.floor(i / all.paths.length), height: 375 }));

/** Milliseconds of processor time per image, over all threads. */
async function measure(work) {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / images;
}

let runs = 0;
const extractors = {
  'raw pixels': pixelExtractor({ classTokens: 1 }, { patchSize: 14, preprocessing: preprocessings.dinov2 }),
  'ViT-S/14': await createExtractor(randomBackbone({ config: vitConfig('small'), preprocessing: preprocessings.dinov2 }), { classTokens: 1 }),
};
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const results = {};
for (const [name, extractor] of Object.entries(extractors)) {
  const ways = {
    features: async () => (await extractFeatures(extractor, source, { cache: join(folder, `${runs++}`) })).close(),
    embeddings: () => embedImages(source, extractor, { out: join(folder, `${runs++}`) }),
  };
  const measured = { features: [], embeddings: [] };
  for (const way of Object.values(ways)) await way(); // programs are compiled, files are in memory
  for (let round = 0; round < rounds; round++) {
    for (const [way, work] of Object.entries(ways)) measured[way].push(await measure(work));
    console.log(name, round, ...Object.entries(measured).map(([way, of]) => `${way} ${of.at(-1).toFixed(1)} ms`));
  }
  const cpu = Object.fromEntries(Object.entries(measured).map(([way, of]) => [way, median(of)]));
  results[name] = { cpuMsPerImage: cpu, ratio: cpu.embeddings / cpu.features };
  console.log(`${name}: ${cpu.features.toFixed(1)} ms of processor an image without, ${cpu.embeddings.toFixed(1)} with: ${results[name].ratio.toFixed(2)} times`);
  await extractor.dispose();
}
mkdirSync(new URL('results/', import.meta.url), { recursive: true });
writeFileSync(new URL('results/embed-overhead.json', import.meta.url), `${JSON.stringify({ cpu: cpus()[0].model, cores: cpus().length, node: process.version, images, rounds, results }, null, 2)}\n`);
