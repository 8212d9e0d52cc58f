import { appendFileSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { preprocess } from '@dinov2/data';
import { colourScores, heat, pca, projectPca } from '@dinov2/evaluation';
import { forwardFeatures, initialize, lastSelfAttention, vitConfig } from '@dinov2/vit';
import { saveBackbone } from '@dinov2/weights';
import * as tf from '@tensorflow/tfjs';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { preprocessings } from '@dinov2/augment';
import { browserFile, hasBrowser, launchBrowser, watch } from './chromium.testing';
import { startViewer, type Viewer } from './index';
import type { ViewerState } from './protocol';

const sample = fileURLToPath(new URL('../../../pretrain/sample/pictures', import.meta.url));
const config = vitConfig('tiny', { embedDim: 48, depth: 2, heads: 3, imageSize: 56, registers: 2, layerScale: 1 });
/** Patches along each side of what the network sees. */
const SIDE = 16;
const PATCHES = SIDE * SIDE;
/** Of a click in a test, in milliseconds: the machine may be busy. Quiet, it is below 50. */
const PATIENCE = 500;

describe.skipIf(!hasBrowser)(`the viewer (needs ${browserFile})`, () => {
  const problems: string[] = [];
  const parameters = [initialize(config, 3), initialize(config, 4)];
  let root: string;
  let images: string;
  let names: string[];
  let log: string;
  let one: Viewer;
  let two: Viewer;
  let browser: Browser;
  let page: Page;

  const start = (weights: string[], runs?: string[]) => startViewer({ weights, images, runs, port: 0, cache: join(root, 'cache'), workers: 1 });
  const cell = (image: number) => page.locator(`.cell[data-image="${image}"]`);
  const figure = (image: number, model = 0) => page.locator(`figure[data-image="${image}"][data-model="${model}"]`);
  const choose = (name: string) => page.getByRole('radio', { name, exact: true }).click();
  const clickTime = async () => Number(/(\d+(?:\.\d+)?) ms/.exec(await page.locator('.settings').innerText())?.[1]);

  /** Open some images, the first alone and the others beside it. */
  async function open(...list: number[]): Promise<void> {
    await cell(list[0]!).click();
    for (const image of list.slice(1)) await cell(image).click({ modifiers: ['Shift'] });
  }

  async function clickPatch(image: number, patch: number, model = 0): Promise<void> {
    const canvas = figure(image, model).locator('canvas');
    const { width, height } = (await canvas.boundingBox())!;
    await canvas.click({ position: { x: ((patch % SIDE) + 0.5) * (width / SIDE), y: (Math.floor(patch / SIDE) + 0.5) * (height / SIDE) } });
  }

  /** (PATCHES, 3) colours of a canvas in the middle of every patch. */
  async function shown(image: number, model = 0): Promise<number[]> {
    return figure(image, model).locator('canvas').evaluate((canvas: HTMLCanvasElement, side) => {
      const context = canvas.getContext('2d')!;
      const colours = [];
      for (let patch = 0; patch < side * side; patch++) {
        const [x, y] = [((patch % side) + 0.5) / side, (Math.floor(patch / side) + 0.5) / side];
        colours.push(...context.getImageData(Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data.slice(0, 3));
      }
      return colours;
    }, SIDE);
  }

  /** Wait until a canvas shows colours to within `levels` on average. */
  async function expectColours(image: number, expected: ArrayLike<number>, levels: number, model = 0): Promise<void> {
    await expect
      .poll(async () => {
        const colours = await shown(image, model);
        return colours.reduce((sum, level, i) => sum + Math.abs(level - expected[i]!), 0) / colours.length;
      }, { timeout: 10_000 })
      .toBeLessThan(levels);
  }

  const setOpacity = (value: number) => page.locator('.slider', { hasText: 'opacity' }).locator('input').fill(String(value));

  const passes = new Map<string, ReturnType<typeof forward>>();

  /** Our own forward pass over an image. */
  function own(image: number, model = 0) {
    const key = `${image} ${model}`;
    const pass = passes.get(key) ?? forward(image, model);
    passes.set(key, pass);
    return pass;
  }

  async function forward(image: number, model: number) {
    const input = await preprocess(join(images, names[image]!), { ...preprocessings.dinov2, resize: { shortestEdge: 256 }, crop: { height: 224, width: 224 } });
    return tf.tidy(() => {
      const tensors = Object.fromEntries(Object.entries(parameters[model]!).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]));
      const pixels = tf.tensor4d(input.data as Float32Array, input.shape as [number, number, number, number]);
      const { clsToken, patchTokens } = forwardFeatures(tensors, config, pixels);
      return {
        classToken: clsToken.dataSync() as Float32Array,
        features: { data: patchTokens.dataSync() as Float32Array, shape: patchTokens.shape.slice(1) },
        // (heads, queries, PATCHES)
        attention: lastSelfAttention(tensors, config, pixels).dataSync() as Float32Array,
      };
    });
  }

  const cosine = (a: Float32Array, b: Float32Array) => {
    const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  };
  const token = ({ data, shape }: { data: Float32Array; shape: number[] }, patch: number) => data.subarray(patch * shape[1]!, (patch + 1) * shape[1]!);

  beforeAll(async () => {
    tf.enableProdMode(); // no banner
    await tf.setBackend('cpu');
    root = mkdtempSync(join(tmpdir(), 'dinov2-viewer-'));
    images = join(root, 'photographs');
    mkdirSync(images);
    for (const name of readdirSync(sample)) copyFileSync(join(sample, name), join(images, name));
    // Twelve of them; two are halves of others, so that there are near neighbours.
    for (const name of ['cat', 'coffee']) {
      await sharp(join(sample, `${name}.jpg`)).resize(200, 200, { fit: 'cover' }).jpeg().toFile(join(images, `${name} again.jpg`));
    }
    writeFileSync(join(images, 'words.jpg'), 'not a picture');
    names = readdirSync(images).sort();
    for (const [i, run] of ['first', 'second'].entries()) {
      mkdirSync(join(root, run));
      await saveBackbone(join(root, run, 'backbone.safetensors'), { config, parameters: parameters[i]! });
    }
    log = join(root, 'first', 'metrics.jsonl');
    writeFileSync(log, [0, 1, 2].map((iteration) => `${JSON.stringify({ iteration, loss: 5 - iteration, learningRate: 0.001 * iteration })}\n`).join(''));
    one = await start([join(root, 'first')]);
    two = await start([join(root, 'first'), join(root, 'second')], []);
    await one.ready;
    await two.ready;

    browser = await launchBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    watch(page, 'http://127.0.0.1:', problems);
    page.setDefaultTimeout(15_000);
    await page.goto(one.url);
    await page.locator('.cell').first().waitFor();
  });

  afterAll(async () => {
    await browser?.close();
    await one?.close();
    await two?.close();
    rmSync(root, { recursive: true, force: true });
  });

  it('shows the folder, and what cannot be read', async () => {
    expect(await page.locator('h1').innerText()).toBe('photographs 13 pictures');
    expect(await page.locator('.cell').count()).toBe(12);
    expect(await page.locator('.skipped').innerText()).toMatch(/^One picture could not be read/);
  });

  it('answers a click with the cosines of our own forward pass, here and in the others', async () => {
    await open(1, 3);
    const patch = 5 * SIDE + 6;
    await clickPatch(1, patch);
    await choose('Each its own');
    await setOpacity(1);
    expect(await figure(1).locator('output').count()).toBe(0);
    const [here, there] = [await own(1), await own(3)];
    const cosines = (to: typeof here) => Float32Array.from({ length: PATCHES }, (_, other) => cosine(token(here.features, patch), token(to.features, other)));
    // Eight bits move a cosine by up to 0.005 of a range of about 1, through 8 steps of up to 100 levels.
    await expectColours(1, heat(cosines(here)), 4);
    await expectColours(3, heat(cosines(there)), 4);
    expect(cosines(here).indexOf(Math.max(...cosines(here)))).toBe(patch);
    await clickPatch(1, patch + 3);
    await expect.poll(() => figure(1).locator('output').innerText()).toBe('1.000');
    expect(await clickTime()).toBeLessThan(PATIENCE);
  });

  it('moves the patch by keys, draws it over the folder and lets it go', async () => {
    expect(await page.locator('.settings').innerText()).toMatch(/^Like patch 10, 6 of /);
    await page.keyboard.press('ArrowDown');
    expect(await page.locator('.settings').innerText()).toMatch(/^Like patch 10, 7 of /);
    await expect.poll(() => page.locator('.cell canvas').count()).toBe(12);
    await page.keyboard.press('Escape');
    await expect.poll(() => page.locator('.chosen').count()).toBe(0);
    expect(await page.getByRole('radio', { name: 'Picture', exact: true }).getAttribute('aria-checked')).toBe('true');
  });

  it('colours by principal components of each picture, of all, and of the foreground', async () => {
    await choose('PCA');
    await choose('Each its own');
    const { features } = await own(1);
    // Components, stretched over all levels, feel the rounding to 8 bits.
    await expectColours(1, colourScores(projectPca(pca(features, 3), features)), 8);
    await choose('One basis');
    const both = { data: Float32Array.from([...features.data, ...(await own(3)).features.data]), shape: [2 * PATCHES, config.embedDim] };
    const joint = colourScores(projectPca(pca(both, 3), both));
    await expectColours(1, joint.subarray(0, PATCHES * 3), 8);
    await expectColours(3, joint.subarray(PATCHES * 3), 8);
    const before = await shown(1);
    await choose('Foreground');
    await expect.poll(async () => (await shown(1)).some((level, i) => Math.abs(level - before[i]!) > 40)).toBe(true);
    const front = await shown(1);
    await page.getByLabel('flip').check();
    await expect.poll(async () => (await shown(1)).some((level, i) => Math.abs(level - front[i]!) > 40)).toBe(true);
    await choose('All');
  });

  it('shows the attention of each head and register', async () => {
    await choose('Attention');
    await setOpacity(1);
    const { attention } = await own(1);
    const queries = 1 + config.registers;
    await figure(1).locator('canvas').focus();
    const heads = page.locator('.heads button');
    expect(await heads.count()).toBe(1 + config.heads);
    for (const [head, query, name] of [[2, 0, 'Class token'], [0, 2, 'Reg 2']] as const) {
      await choose(name);
      await heads.nth(1 + head).click();
      const start = (head * queries + query) * PATCHES;
      // Kept as float16, 11 bits.
      await expectColours(1, heat(attention.subarray(start, start + PATCHES)), 2);
    }
  });

  it('lists neighbours of a picture and of a patch', async () => {
    await choose('Like picture');
    const tokens = new Map<number, Float32Array>();
    for (const image of [1, 2, 3, 7]) tokens.set(image, (await own(image)).classToken);
    const similarity = (image: number) => cosine(tokens.get(1)!, tokens.get(image)!);
    const listed = () => page.locator('.cell').evaluateAll((cells) => cells.map((element) => Number((element as HTMLElement).dataset['image'])));
    await expect.poll(async () => (await listed()).filter((image) => tokens.has(image))).toEqual([...tokens.keys()].sort((a, b) => similarity(b) - similarity(a)));
    expect((await listed())[0]).toBe(1);
    for (const image of tokens.keys()) expect(Number(await cell(image).locator('span').innerText())).toBeCloseTo(similarity(image), 1);

    await clickPatch(3, 40);
    await choose('Like patch');
    await expect.poll(() => page.locator('.cell i').count()).toBe(12);
    expect((await listed())[0]).toBe(3);
    expect(await cell(3).locator('span').innerText()).toBe('1.00');
    expect(await page.locator('.note').first().innerText()).toMatch(/12 of 13 pictures compared in [\d.]+ ms/);
    await choose('Name');
    await page.keyboard.press('Escape');
  });

  it('lays the folder out as a map, in which pictures are opened', async () => {
    await page.keyboard.press('m');
    await expect.poll(() => page.locator('.method').innerText(), { timeout: 20_000 }).toBe('PCA of class tokens');
    const canvas = page.locator('.folder .map canvas');
    const { width, height } = (await canvas.boundingBox())!;
    for (let y = 10; y < height; y += 20) {
      for (let x = 10; x < width; x += 20) {
        await canvas.hover({ position: { x, y } });
        const name = await page.locator('.pointed-name').innerText({ timeout: 50 }).catch(() => undefined);
        if (name === undefined) continue;
        await canvas.click({ position: { x, y } });
        await expect.poll(() => page.locator('figure').count()).toBe(1);
        expect(await page.locator('figcaption').innerText()).toBe(name);
        await canvas.hover({ position: { x: 3, y: 3 } });
        await page.mouse.wheel(0, -600);
        const zoomed = (await save('Save the folder as PNG', /-map\.png$/)).file;
        expect(await sharp(zoomed).metadata()).toMatchObject({ format: 'png', width: 2 * Math.round(width), height: 2 * Math.round(height) });
        await page.keyboard.press('m');
        return;
      }
    }
    throw new Error('no picture was found on the map');
  });

  async function save(button: string, name: RegExp) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: button }).click()]);
    expect(download.suggestedFilename()).toMatch(name);
    return { file: await download.path() };
  }

  it('saves the open pictures and the grid as PNG', async () => {
    await open(0, 1);
    await choose('PCA');
    const stage = await save('Save the pictures as PNG', /^photographs-pca\.png$/);
    expect(await sharp(stage.file).metadata()).toMatchObject({ format: 'png', width: 16 + 2 * (640 + 16) });
    const grid = await save('Save the folder as PNG', /^photographs-folder\.png$/);
    expect(await sharp(grid.file).metadata()).toMatchObject({ format: 'png', width: 16 + 8 * (160 + 16) });
  });

  it('draws the curves of a run while it trains', async () => {
    await choose('Training');
    const status = page.locator('.training [role=status]');
    await expect.poll(() => status.innerText()).toBe('step 3');
    expect(await page.locator('.chart h3').allInnerTexts()).toEqual(['Loss', 'Learning rate']);
    expect(await page.locator('.chart b').first().innerText()).toBe('3');
    appendFileSync(log, `${JSON.stringify({ iteration: 7, loss: 1.5, learningRate: 0.003 })}\n`);
    await expect.poll(() => status.innerText()).toBe('step 8');
    expect(await page.locator('.chart b').first().innerText()).toBe('1.5');
    const { file } = await save('Save the curves as PNG', /^photographs-training\.png$/);
    expect((await sharp(file).metadata()).format).toBe('png');
    await choose('Explore');
  });

  it('puts two files of weights side by side', async () => {
    await page.goto(two.url);
    await cell(1).waitFor();
    expect(await page.getByRole('radio', { name: 'A first' }).getAttribute('aria-checked')).toBe('true');
    await open(1);
    await expect.poll(() => page.locator('figure').count()).toBe(2);
    const patch = 9 * SIDE + 4;
    await clickPatch(1, patch, 1);
    await setOpacity(1);
    for (const model of [0, 1]) {
      const { features } = await own(1, model);
      await expectColours(1, heat(Float32Array.from({ length: PATCHES }, (_, other) => cosine(token(features, patch), token(features, other)))), 4, model);
    }
    await choose('B second');
    await choose('Like picture');
    await expect.poll(() => cell(1).locator('span').innerText()).toBe('1.00');
  });

  it.each([
    [{ status: 'extracting', done: 3, total: 12, imagesPerSecond: 2, secondsLeft: 4.5 }, 'Computing features: 3 of 12 pictures, 2.0 per second, 5 s left'],
    [{ status: 'failed', problem: 'no space left on device' }, 'The features could not be computed: no space left on device'],
  ])('tells how far the features are: %j', async (progress, said) => {
    const other = await browser.newPage();
    const state = (await (await fetch(`${one.url}api/state`)).json()) as ViewerState;
    await other.route('**/api/state', (route) => route.fulfill({ json: { ...state, models: [{ ...state.models[0]!, progress }] } }));
    await other.route('**/api/progress', (route) => route.fulfill({ contentType: 'text/event-stream', body: `data: ${JSON.stringify([progress])}\n\n` }));
    await other.goto(one.url);
    await expect.poll(() => other.locator('.extraction, .problem').innerText()).toBe(said);
    expect(await other.locator('.cell').count()).toBe(13); // pictures need no features
    await other.keyboard.press('2');
    expect(await other.locator('.settings').innerText()).toBe('This comes when all features are there.');
    await other.close();
  });

  it('fits a telephone, light and dark', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(await overflow()).toBeLessThanOrEqual(0);
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const before = await background();
    await page.keyboard.press('t');
    await expect.poll(background).not.toBe(before);
  });

  it('asked for nothing from elsewhere and logged no error', () => {
    expect(problems).toEqual([]);
  });

  describe('its server', () => {
    /** Status of a request whose path and headers are sent as they are. */
    function ask(path: string, { host, method = 'GET' }: { host?: string; method?: string } = {}): Promise<{ status: number; csp: string }> {
      const { port } = new URL(one.url);
      return new Promise((resolve, reject) => {
        const sent = request({ host: '127.0.0.1', port, path, method, headers: { host: host ?? `127.0.0.1:${port}` } }, (response) => {
          response.resume();
          resolve({ status: response.statusCode!, csp: String(response.headers['content-security-policy']) });
        });
        sent.on('error', reject);
        sent.end();
      });
    }

    it('refuses other hosts and methods', async () => {
      const { port } = new URL(one.url);
      expect((await ask('/api/state')).status).toBe(200);
      expect((await ask('/api/state', { host: `localhost:${port}` })).status).toBe(200);
      for (const host of ['example.org', `example.org:${port}`, '127.0.0.1', '127.0.0.1:1', `127.0.0.1.example.org:${port}`]) {
        expect((await ask('/api/state', { host })).status).toBe(403);
      }
      expect((await ask('/api/state', { method: 'POST' })).status).toBe(405);
    });

    it.each(['/../package.json', '/%2e%2e/package.json', '/..%2fpackage.json', '/main.js/../../main.js.map', '/api/picture/0/..%2f..%2fetc%2fpasswd?width=160', '/api/picture/0/-1?width=160', '/api/picture/0/99?width=160', '/api/tokens/7/0', '/api/neighbours/0/0/256', '/api/runs/1'])('finds nothing at %s', async (path) => {
      expect((await ask(path)).status).toBe(404);
    });

    it('makes pictures of a few sizes only', async () => {
      expect((await ask('/api/picture/0/0?width=161')).status).toBe(400);
      expect((await ask('/api/picture/0/0?width=160')).status).toBe(200);
    });

    it('lets the page load from itself only', async () => {
      expect((await ask('/')).csp).toContain("default-src 'none'");
    });
  });
});

describe('startViewer', () => {
  it('says what is wrong before it serves', async () => {
    await expect(startViewer({ weights: [], images: sample })).rejects.toThrow(/0 files of weights; pass --weights once, or twice/);
    await expect(startViewer({ weights: ['nowhere'], images: sample })).rejects.toThrow(/no weights at nowhere/);
    await expect(startViewer({ weights: ['nowhere'], images: join(sample, 'none') })).rejects.toThrow(/no folder or list of images/);
  });
});
