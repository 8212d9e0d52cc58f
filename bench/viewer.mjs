// How fast the viewer feels on a folder of a thousand pictures: the first view once features are cached, a click
// in the page, a search through all patches of the folder. Pictures are generated, and the network is one block of
// ViT-S/14 with random weights: neither changes the viewer's work, which is on 256 tokens of 384 numbers a picture.
//
//   npm run build && node bench/viewer.mjs [--images 1000] [--clicks 30] [--folder DIR to keep]
//
// Needs /usr/bin/chromium. Writes bench/results/viewer.json.
/* global document, fetch */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createRandom } from '@dinov2/primitives';
import { initialize, vitConfig } from '@dinov2/vit';
import { saveBackbone } from '@dinov2/weights';
import { chromium } from 'playwright-core';
import sharp from 'sharp';

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '1000' },
    clicks: { type: 'string', default: '30' },
    // Keeps pictures, weights and features for the next time.
    folder: { type: 'string' },
    out: { type: 'string', default: fileURLToPath(new URL('results/viewer.json', import.meta.url)) },
  },
});

const program = fileURLToPath(new URL('../apps/probe/dist/main.js', import.meta.url));
const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'dinov2-viewer-bench-'));
const count = Number(values.images);
const clicks = Number(values.clicks);
const config = vitConfig('small', { depth: 1, imageSize: 224, layerScale: 1 });
const weights = join(folder, 'weights.safetensors');
const images = join(folder, 'images');

try {
  await prepare();
  const extraction = await measureExtraction();
  const measured = await measureViewer();
  const result = {
    machine: { cpu: cpus()[0].model.trim(), cores: availableParallelism(), load: loadavg()[0], chromium: execFileSync('/usr/bin/chromium', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim() },
    model: 'one block of ViT-S/14, random weights',
    images: count,
    patches: count * 256,
    ...extraction,
    ...measured,
  };
  console.log(result);
  writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`);
} finally {
  if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
}

async function prepare() {
  mkdirSync(images, { recursive: true });
  await saveBackbone(weights, { config, parameters: initialize(config, 0) });
  const random = createRandom(1);
  for (let i = 0; i < count; i++) {
    // A few soft blots: compresses and decodes like a photograph.
    const small = Uint8Array.from({ length: 12 * 12 * 3 }, () => random.integer(256));
    await sharp(small, { raw: { width: 12, height: 12, channels: 3 } }).resize(320, 320, { kernel: 'cubic' }).jpeg().toFile(join(images, `${String(i).padStart(4, '0')}.jpg`));
  }
}

/** Start the program, wait for its address. */
async function start() {
  const began = performance.now();
  const child = spawn(process.execPath, [program, 'view', '--weights', weights, '--data', images, '--cache', join(folder, 'cache'), '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /http:\S+/.exec(line)?.[0];
    if (url !== undefined) return { url, child, milliseconds: performance.now() - began };
  }
  throw new Error('the viewer did not start');
}

async function whenReady(url) {
  for (;;) {
    const { models } = await (await fetch(`${url}api/state`)).json();
    const { progress } = models[0];
    if (progress.status === 'failed') throw new Error(progress.problem);
    if (progress.status === 'ready' && progress.searchable === progress.count) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function measureExtraction() {
  const { url, child } = await start();
  const began = performance.now();
  await whenReady(url);
  child.kill();
  return { extractionSeconds: (performance.now() - began) / 1000 };
}

async function measureViewer() {
  const began = performance.now();
  const { url, child, milliseconds: startMilliseconds } = await start();
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const opened = performance.now();
    await page.goto(url);
    await page.waitForFunction(() => {
      const pictures = [...document.querySelectorAll('.cell img')];
      return pictures.length > 20 && pictures.every((picture) => picture.complete && picture.naturalWidth > 0);
    });
    const firstViewMilliseconds = performance.now() - opened;
    await whenReady(url);
    const readySeconds = (performance.now() - began) / 1000;

    for (const [i, image] of [0, 1, 2, 3].entries()) await page.locator(`.cell[data-image="${image}"]`).click(i === 0 ? {} : { modifiers: ['Shift'] });
    const canvas = page.locator('figure[data-image="1"] canvas');
    const { width, height } = await canvas.boundingBox();
    const inPage = [];
    for (let i = 0; i < clicks + 3; i++) {
      const patch = (i * 37) % 256;
      const text = await page.locator('.settings').innerText();
      await canvas.click({ position: { x: ((patch % 16) + 0.5) * (width / 16), y: (Math.floor(patch / 16) + 0.5) * (height / 16) } });
      await page.waitForFunction((before) => {
        const now = document.querySelector('.settings').innerText;
        return now !== before && / ms/.test(now);
      }, text);
      await page.waitForTimeout(80);
      // The first ones fetch the tokens of the pictures in sight.
      if (i >= 3) inPage.push(Number(/([\d.]+) ms/.exec(await page.locator('.settings').innerText())[1]));
    }
    const similaritiesOnScreen = await page.locator('.cell canvas').count();
    const ask = (path) =>
      page.evaluate(async (asked) => {
        const from = performance.now();
        const { milliseconds, searched } = await (await fetch(asked)).json();
        return { inServer: milliseconds, inPage: performance.now() - from, searched };
      }, path);
    const searches = [];
    for (let i = 0; i < clicks; i++) searches.push(await ask(`/api/neighbours/0/${(i * 31) % count}/${(i * 37) % 256}`));
    const neighbours = [];
    for (let i = 0; i < clicks; i++) neighbours.push(await ask(`/api/neighbours/0/${(i * 31) % count}`));
    const map = performance.now();
    await page.evaluate(() => fetch('/api/map/0').then((response) => response.json()));
    return {
      startMilliseconds,
      firstViewMilliseconds,
      /** From the start of the program until all patches can be searched, with features cached. */
      readySeconds,
      picturesWithSimilarities: 4 + similaritiesOnScreen,
      clickMilliseconds: spread(inPage),
      patchSearchMilliseconds: { searched: searches[0].searched, inServer: spread(searches.map(({ inServer }) => inServer)), inPage: spread(searches.map((search) => search.inPage)) },
      imageSearchMilliseconds: { inServer: spread(neighbours.map(({ inServer }) => inServer)), inPage: spread(neighbours.map((search) => search.inPage)) },
      mapSeconds: (performance.now() - map) / 1000,
    };
  } finally {
    await browser.close();
    child.kill();
  }
}

function spread(milliseconds) {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const at = (share) => Number(sorted[Math.floor(share * (sorted.length - 1))].toFixed(1));
  return { median: at(0.5), slowestTenth: at(0.9), most: at(1) };
}
