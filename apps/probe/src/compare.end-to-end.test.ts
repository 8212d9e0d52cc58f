import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { probe, temporaryFolder } from './program.testing';
import { writeResult } from './results/files';
import type { Result } from './results/schema';

const browserFile = '/usr/bin/chromium';
const { folder, remove } = temporaryFolder();
afterAll(remove);

/** A result with exact numbers. */
const result = (name: string, changes: Partial<Result>): Result => ({
  format: 'dinov2-probe result 1',
  command: 'linear',
  name,
  weights: { path: `runs/${name}`, name, architecture: 'ViT of 2 blocks', parameters: 1000, layout: 'dinov2' },
  data: { path: 'birds', classes: 2 },
  settings: { iterations: 100, seed: 0 },
  metrics: { 'top-1': 0.5, RankMe: 12 },
  details: { unit: 'class', columns: ['images', 'recall'], rows: [{ name: 'owl', values: [4, 0.25] }, { name: '<wren>', values: [4, 0.75] }] },
  curves: [{ title: 'loss', unit: 'iteration', at: [50, 100], series: [{ name: 'training loss', values: [2, 1] }] }],
  seconds: 1,
  environment: { node: 'v20' },
  version: '0.0.0',
  date: '2026-01-01T00:00:00.000Z',
  ...changes,
});

const a = join(folder, 'a');
const b = join(folder, 'b');
writeResult(a, result('first', { baselines: { 'raw pixels': { metrics: { 'top-1': 0.25, RankMe: 3 } } } }));
writeResult(
  b,
  result('second', {
    settings: { iterations: 200, seed: 0 },
    metrics: { 'top-1': 0.75, RankMe: 20 },
    baselines: { 'raw pixels': { metrics: { 'top-1': 0.25, RankMe: 3 } } },
    details: { unit: 'class', columns: ['images', 'recall'], rows: [{ name: 'owl', values: [4, 1] }, { name: '<wren>', values: [4, 0.5] }] },
    curves: [{ title: 'loss', unit: 'iteration', at: [100, 200], series: [{ name: 'training loss', values: [1.5, 0.5] }] }],
  }),
);
const page = join(folder, 'page.html');

describe('dinov2-probe compare', () => {
  it('prints a table and writes a page', async () => {
    const { code, output } = await probe(folder, ['compare', a, join(b, 'result.json'), '-o', page]);
    expect(output).toMatch(/first\W+50\.0 %\W+12/);
    expect(output).toMatch(/second\W+75\.0 %\W+20/);
    expect(code).toBe(0);
    expect(existsSync(page)).toBe(true);
  });

  it.skipIf(!existsSync(browserFile))(`shows metrics, curves, classes and what differs (needs ${browserFile})`, async () => {
    const browser = await chromium.launch({ executablePath: browserFile, args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'] });
    try {
      const tab = await browser.newPage({ viewport: { width: 1200, height: 900 } });
      const problems: string[] = [];
      tab.on('pageerror', (error) => problems.push(error.message));
      tab.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
      tab.on('request', (request) => /^(file|data|blob):/.test(request.url()) || problems.push(request.url()));
      await tab.goto(pathToFileURL(page).href);
      await tab.waitForFunction(() => document.documentElement.dataset['ready'] === 'true');

      const rows = (id: string) => tab.locator(`${id} tr`).evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent.trim())));
      expect(await rows('#metrics')).toEqual([['', 'top-1', 'RankMe'], ['first', '50.0 %', '12'], ['second', '75.0 %', '20'], ['raw pixels', '25.0 %', '3']]);
      expect(await tab.locator('#metrics .best').allInnerTexts()).toEqual(['75.0 %']);
      // The owl changed most.
      expect(await rows('#differences')).toEqual([['class', 'first', 'second', 'last − first'], ['owl', '25.0 %', '100.0 %', '+75.0'], ['<wren>', '75.0 %', '50.0 %', '-25.0']]);
      const differing = await rows('#settings-that-differ');
      expect(differing).toContainEqual(['settings.iterations', '100', '200']);
      expect(differing.map(([name]) => name)).not.toContain('settings.seed');
      // Two metrics as bars, one chart of both curves; each is drawn and not blank.
      expect(await tab.locator('.chart canvas').count()).toBe(3);
      const inked = await tab.locator('.chart canvas').evaluateAll((all) =>
        all.map((canvas) => {
          const { width, height } = canvas as HTMLCanvasElement;
          return (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height).data.filter((value, i) => i % 4 === 3 && value > 0).length;
        }),
      );
      for (const pixels of inked) expect(pixels).toBeGreaterThan(500);
      expect(await tab.locator('#curve-0 .key li').allInnerTexts()).toEqual(['first1', 'second0.5']);
      expect(problems).toEqual([]);
      if (process.env['SCREENSHOT'] !== undefined) await tab.screenshot({ path: process.env['SCREENSHOT'], fullPage: true });
    } finally {
      await browser.close();
    }
  });

  it('says what is wrong with a file, and with results that have nothing in common', async () => {
    const broken = join(folder, 'broken');
    mkdirSync(broken);
    writeFileSync(join(broken, 'result.json'), '{"format": "dinov2-probe result 1"}');
    expect(await probe(folder, ['compare', a, broken])).toMatchObject({ code: 2, output: expect.stringMatching(/broken\/result\.json is no result of dinov2-probe: .*metrics/) });
    expect(await probe(folder, ['compare', join(folder, 'nowhere')])).toMatchObject({ code: 2, output: expect.stringMatching(/cannot read the result .*nowhere/) });
    writeResult(join(folder, 'c'), result('third', { command: 'depth', metrics: { RMSE: 1 } }));
    expect(await probe(folder, ['compare', a, join(folder, 'c')])).toMatchObject({ code: 2, output: expect.stringContaining('without a metric in common') });
  });
});
