import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, launchBrowser } from './chromium.testing';
import { startViewer, type Viewer } from './index';
import type { ViewerState } from './protocol';

const at = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
const run = at('runs/sample');
const images = at('apps/pretrain/sample');
const target = at('docs/images');

/** Writes the README's pictures: `npm run pretrain` first, then `UPDATE_SCREENSHOTS=1 npx vitest run viewer-screenshots`. */
describe.runIf(process.env['UPDATE_SCREENSHOTS'] !== undefined && hasBrowser && existsSync(run))('screenshots of the viewer', { timeout: 600_000 }, () => {
  let cache: string;
  let one: Viewer;
  let two: Viewer;
  let browser: Browser;

  const start = (weights: string[]) => startViewer({ weights, images, size: 448, port: 0, cache, runs: [run] });
  const choose = (page: Page, name: string) => page.getByRole('radio', { name, exact: true }).click();

  async function newPage({ url }: Viewer, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
    await page.goto(url);
    await page.locator('.cell').first().waitFor();
    await expect
      .poll(async () => {
        const { models } = (await (await fetch(`${url}api/state`)).json()) as ViewerState;
        return models.every(({ progress }) => progress.status === 'ready' && progress.searchable === progress.count);
      }, { timeout: 60_000 })
      .toBe(true);
    return page;
  }

  /** Open pictures by name, wherever they are in the folder. */
  async function open(page: Page, ...names: string[]): Promise<void> {
    const { names: all } = (await page.evaluate(() => fetch('/api/state').then((response) => response.json()))) as { names: string[] };
    for (const [i, name] of names.entries()) {
      const image = all.indexOf(name);
      // Scroll it into the document.
      await page.locator('.folder .grid').evaluate((grid, share) => grid.scrollTo(0, share * grid.scrollHeight - 200), image / all.length);
      await page.locator(`.cell[data-image="${image}"]`).click(i === 0 ? {} : { modifiers: ['Shift'] });
    }
  }

  async function clickAt(page: Page, name: string, x: number, y: number): Promise<void> {
    const canvas = page.locator('figure', { hasText: name }).first().locator('canvas');
    const { width, height } = (await canvas.boundingBox())!;
    await canvas.click({ position: { x: x * width, y: y * height } });
    await page.mouse.move(2, 400);
  }

  async function shoot(page: Page, name: string): Promise<void> {
    await page.waitForLoadState('networkidle', { timeout: 3000 }).catch(() => {}); // events never end
    await page.waitForTimeout(800);
    const picture = await page.screenshot();
    // 256 colours, a quarter of the bytes. Dithered, even patches would be speckled.
    await sharp(picture).png({ palette: true, quality: 100, dither: 0, effort: 10 }).toFile(join(target, `viewer-${name}.png`));
    await page.close();
  }

  beforeAll(async () => {
    mkdirSync(target, { recursive: true });
    cache = process.env['SCREENSHOT_CACHE'] ?? mkdtempSync(join(tmpdir(), 'dinov2-screenshots-'));
    one = await start([run]);
    await one.ready;
    two = await start([run, join(run, 'initial-backbone.safetensors')]);
    await two.ready;
    browser = await launchBrowser();
  }, 600_000);

  afterAll(async () => {
    await browser?.close();
    await one?.close();
    await two?.close();
    if (process.env['SCREENSHOT_CACHE'] === undefined) rmSync(cache, { recursive: true, force: true });
  });

  it('similarity to a patch, and its neighbours in the folder', async () => {
    const page = await newPage(one);
    await open(page, 'pictures/astronaut.jpg', 'pictures/fig.jpg', 'pictures/coffee.jpg', 'pictures/temple.jpg');
    await clickAt(page, 'astronaut', 0.3, 0.72);
    await choose(page, 'Like patch');
    await page.locator('.cell i').first().waitFor();
    await shoot(page, 'similarity');
  });

  it('principal components beside the map', async () => {
    const page = await newPage(one, { colorScheme: 'dark' });
    await open(page, 'pictures/cat.jpg', 'pictures/astronaut.jpg', 'pictures/temple.jpg', 'pictures/rocket.jpg');
    await choose(page, 'PCA');
    await choose(page, 'Map');
    await page.locator('.method').waitFor();
    await page.waitForTimeout(4000); // pictures of the map
    await shoot(page, 'map');
  });

  it('attention of the heads', async () => {
    const page = await newPage(one);
    await open(page, 'pictures/dogs.jpg', 'pictures/astronaut.jpg', 'pictures/temple.jpg', 'pictures/cat.jpg');
    await choose(page, 'Attention');
    await page.locator('.heads button').nth(3).click();
    await shoot(page, 'attention');
  });

  it('curves', async () => {
    const page = await newPage(one);
    await choose(page, 'Training');
    await expect.poll(() => page.locator('.chart').count()).toBeGreaterThan(5);
    await shoot(page, 'training');
  });

  it('two files of weights', async () => {
    const page = await newPage(two, { colorScheme: 'dark' });
    await open(page, 'pictures/cat.jpg', 'pictures/dogs.jpg');
    await clickAt(page, 'sample', 0.32, 0.36);
    await choose(page, 'Like patch');
    await page.locator('.cell i').first().waitFor();
    await shoot(page, 'weights');
  });

  it('a telephone', async () => {
    const page = await newPage(one, { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 });
    await open(page, 'pictures/cat.jpg', 'pictures/fig.jpg');
    await choose(page, 'PCA');
    await page.evaluate(() => scrollTo(0, 0));
    await shoot(page, 'phone');
  });
});
