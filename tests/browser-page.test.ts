import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { preprocessings } from '@dinov2/augment';
import { colourScores, heat, pca, projectPca } from '@dinov2/evaluation';
import { forwardFeatures, initialize, vitConfig } from '@dinov2/vit';
import { exportOnnx, saveBackbone } from '@dinov2/weights';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { type Browser, chromium, type Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const browserFile = '/usr/bin/chromium';
const builder = fileURLToPath(new URL('../docs/examples/pca/build.mjs', import.meta.url));

const config = vitConfig('tiny', { embedDim: 48, depth: 2, heads: 3, imageSize: 56, registers: 1, layerScale: 1 });

/** What a canvas of the page shows. */
interface Shown {
  width: number;
  height: number;
  /** (height · width, 4) */
  data: number[];
}

/** Three smooth colours that differ from place to place, with a disc in front. */
async function pictureFile(folder: string, width: number, height: number): Promise<string> {
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
    const [x, y, c] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width), at % 3];
    const inside = Math.hypot(x - width / 2, y - height / 2) < Math.min(width, height) / 3;
    return inside ? [230, 140, 20][c]! + 20 * Math.sin(x / 5 + c) : 90 + 60 * Math.sin(x / 23 + c) + 30 * Math.cos(y / 17 - c);
  });
  const path = join(folder, `${width} by ${height}.png`);
  await sharp(pixels, { raw: { width, height, channels: 3 } }).png().toFile(path);
  return path;
}

describe.skipIf(!existsSync(browserFile))(`docs/examples/pca (needs ${browserFile})`, () => {
  const problems: string[] = [];
  const parameters = initialize(config, 3);
  let folder: string;
  let browser: Browser;
  let page: Page;

  const settled = () => page.waitForFunction(() => document.documentElement.dataset['state'] === 'idle');
  const problem = () => page.locator('#problem').innerText();

  /** Do something and wait until the page has computed what follows from it. */
  async function after(action: () => Promise<unknown>): Promise<void> {
    await page.evaluate(() => (document.documentElement.dataset['state'] = 'busy'));
    await action();
    await settled();
  }

  const choosePicture = (path: string) => after(() => page.setInputFiles('#picture-file', path));

  function shown(id: string): Promise<Shown> {
    return page.evaluate((canvas) => {
      const { width, height } = document.getElementById(canvas) as HTMLCanvasElement;
      const context = (document.getElementById(canvas) as HTMLCanvasElement).getContext('2d')!;
      return { width, height, data: [...context.getImageData(0, 0, width, height).data] };
    }, id);
  }

  const tensors = () => Object.fromEntries(Object.entries(parameters).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]));

  /** Our own patch features of the pixels that the page shows. */
  async function ownFeatures(): Promise<{ data: Float32Array; shape: number[] }> {
    const { width, height, data } = await shown('input');
    const { mean, std } = preprocessings.dinov2;
    const pixels = Float32Array.from({ length: width * height * 3 }, (_, i) => {
      const c = i % 3;
      return (data[Math.floor(i / 3) * 4 + c]! / 255 - mean[c]!) / std[c]!;
    });
    return tf.tidy(() => {
      const { patchTokens } = forwardFeatures(tensors(), config, tf.tensor4d(pixels, [1, height, width, 3]));
      return { data: patchTokens.dataSync() as Float32Array, shape: patchTokens.shape.slice(1) };
    });
  }

  /** Colours agree to 2 of 255 levels: float32 sums in another order move features by about 1e-6. */
  function expectColours({ data }: Shown, expected: Uint8Array): void {
    const rgb = data.filter((_, i) => i % 4 !== 3);
    expect(rgb.length).toBe(expected.length);
    expect(Math.max(...rgb.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThanOrEqual(2);
  }

  beforeAll(async () => {
    await tf.setBackend('cpu');
    folder = mkdtempSync(join(tmpdir(), 'dinov2-page-'));
    const weights = join(folder, 'backbone.safetensors');
    await saveBackbone(weights, { config, parameters });
    await exportOnnx(join(folder, 'half.onnx'), { config, parameters }, { precision: 'float16' });
    const coarse = vitConfig('tiny', { embedDim: 48, depth: 1, heads: 3, patchSize: 32, imageSize: 64 });
    await exportOnnx(join(folder, 'patch-32.onnx'), { config: coarse, parameters: initialize(coarse, 0) });
    writeFileSync(join(folder, 'words.txt'), 'not a picture');
    writeFileSync(join(folder, 'words.onnx'), 'not a model');
    const out = join(folder, 'pca.html');
    execFileSync(process.execPath, [builder, '--model', weights, '--out', out], { stdio: 'pipe' });

    browser = await chromium.launch({
      executablePath: browserFile,
      args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    });
    page = await browser.newPage();
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    page.on('request', (request) => /^(file|data|blob):/.test(request.url()) || problems.push(request.url()));
    await page.goto(pathToFileURL(out).href);
    await settled();
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('colours its example from a file, without a server', async () => {
    expect(await problem()).toBe('');
    expect(await page.locator('#about').innerText()).toMatch(/2 blocks, 48 wide, patches of 14 pixels, 1 registers/);
    const { width, height, data } = await shown('output');
    expect([width, height]).toEqual([32, 32]);
    expect(new Set(data).size).toBeGreaterThan(50);
  });

  it.each([[150, 100], [60, 200], [320, 40]])('gives the colours of our own forward pass for %d × %d pixels', async (width, height) => {
    await choosePicture(await pictureFile(folder, width, height));
    await after(() => page.locator('#resolution').fill('12'));
    const features = await ownFeatures();
    const output = await shown('output');
    expect(output.width * output.height).toBe(features.shape[0]);
    expect(Math.max(output.width, output.height)).toBe(12);
    expectColours(output, colourScores(projectPca(pca(features, 3), features)));
  });

  it('splits foreground and background', async () => {
    await choosePicture(await pictureFile(folder, 150, 100));
    const { data, shape } = await ownFeatures();
    const dimension = shape[1]!;
    const sides = [];
    for (const side of ['foreground', 'background']) {
      await after(() => page.locator(`input[value=${side}]`).check({ force: true }));
      const output = await shown('output');
      const patches = Array.from({ length: 96 }, (_, patch) => patch).filter((patch) => output.data[patch * 4 + 3] === 255);
      const part = Float32Array.from(patches.flatMap((patch) => [...data.subarray(patch * dimension, (patch + 1) * dimension)]));
      const features = { data: part, shape: [patches.length, dimension] };
      const colours = { ...output, data: patches.flatMap((patch) => output.data.slice(patch * 4, patch * 4 + 4)) };
      expectColours(colours, colourScores(projectPca(pca(features, 3), features)));
      sides.push(patches);
    }
    expect(sides.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 96 }, (_, patch) => patch));
    const onBorder = (patch: number) => patch < 12 || patch >= 84 || patch % 12 === 0 || patch % 12 === 11;
    expect(sides[0]!.filter(onBorder).length).toBeLessThanOrEqual(sides[1]!.filter(onBorder).length);
    await after(() => page.locator('input[value=all]').check({ force: true }));
  });

  it('shows how alike patches are to the one that is clicked', async () => {
    const { width, height } = (await page.locator('#output').boundingBox())!;
    await page.locator('#output').click({ position: { x: (width * 3.5) / 12, y: (height * 2.5) / 8 } });
    expect(await page.locator('#output-caption').innerText()).toMatch(/^Similarity to patch 4, 3/);
    const { data, shape } = await ownFeatures();
    const dimension = shape[1]!;
    const row = (i: number) => data.subarray(i * dimension, (i + 1) * dimension);
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    const chosen = row(2 * 12 + 3);
    const cosines = Float32Array.from({ length: 96 }, (_, i) => dot(row(i), chosen) / Math.sqrt(dot(row(i), row(i)) * dot(chosen, chosen)));
    expectColours(await shown('output'), heat(cosines));
    await page.keyboard.press('ArrowRight');
    expect(await page.locator('#output-caption').innerText()).toMatch(/^Similarity to patch 5, 3/);
    await page.keyboard.press('Escape');
    expect(await page.locator('#output-caption').innerText()).toBe('Principal components');
  });

  it('takes what is dropped, and saves a PNG', async () => {
    const bytes = [...(await sharp(await pictureFile(folder, 90, 90)).toBuffer())];
    await after(() =>
      page.evaluate((content) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([Uint8Array.from(content)], 'dropped.png', { type: 'image/png' }));
        document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
      }, bytes),
    );
    expect(await page.locator('#input-caption').innerText()).toBe('dropped.png');
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#save').click()]);
    expect(download.suggestedFilename()).toBe('dropped-pca.png');
    expect(await sharp(await download.path()).metadata()).toMatchObject({ format: 'png', width: 168, height: 168 });
  });

  it('says what is wrong with a file, and goes on', async () => {
    await choosePicture(join(folder, 'words.txt'));
    expect(await problem()).toBe('“words.txt” is not a picture that this browser can read. Try a JPEG, PNG, WebP or GIF file.');
    await after(() => page.setInputFiles('#model-file', join(folder, 'words.onnx')));
    expect(await problem()).toMatch(/^“words.onnx” is not a model that this page can use: .+\.$/);
    await choosePicture(await pictureFile(folder, 90, 60));
    expect(await problem()).toBe('');
    expect(await page.locator('#status').innerText()).toMatch(/for 168 × 112 pixels in patches of 14/);
  });

  it('takes another model', async () => {
    await after(() => page.setInputFiles('#model-file', join(folder, 'half.onnx')));
    expect(await problem()).toBe('');
    expect(await page.locator('#about').innerText()).toMatch(/^Model: half\.onnx, yours/);
    const features = await ownFeatures();
    const { data } = await shown('output');
    const expected = colourScores(projectPca(pca(features, 3), features));
    const rgb = data.filter((_, i) => i % 4 !== 3);
    // Halves have 11 bits; colours stretch three components of the features over all levels.
    expect(rgb.reduce((sum, value, i) => sum + Math.abs(value - expected[i]!), 0) / rgb.length).toBeLessThan(4);
  });

  it('refuses a model whose patches it took for others', async () => {
    await after(() => page.setInputFiles('#model-file', join(folder, 'patch-32.onnx')));
    expect(await problem()).toMatch(/^“patch-32\.onnx” could not colour this picture: it makes \d+ tokens of \d+ × \d+ pixels, which patches of 56 do not explain\.$/);
  });

  it('asked for nothing from elsewhere and logged no error', () => {
    expect(problems).toEqual([]);
  });
});
