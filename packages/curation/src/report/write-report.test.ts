import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateHeap } from '../heap';
import { writeRunFolder } from './run-folder.testing';
import { writeReport } from './write-report';

const folder = mkdtempSync(join(tmpdir(), 'dinov2-report-'));
const run = join(folder, 'holiday');
let labels: string;
let browser: Browser | undefined;
const browserFile = '/usr/bin/chromium';

beforeAll(async () => {
  await generateHeap(join(folder, 'heap'), { count: 300, seed: 1, evaluationTrain: 0, evaluationHeldout: 1 });
  ({ labels } = await writeRunFolder(join(folder, 'heap'), run));
  if (existsSync(browserFile)) browser = await chromium.launch({ executablePath: browserFile, args: ['--headless', '--no-sandbox', '--disable-gpu'] });
}, 60_000);
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

describe('writeReport', () => {
  it('shows what was kept and dropped, and escapes what it is given', async () => {
    const path = await writeReport(run, { labels });
    expect(path).toBe(join(run, 'report.html'));
    const page = readFileSync(path, 'utf8');
    const parts = ['contentDuplicate', 'notSampled', 'pixels &lt;b&gt;', '&lt;script&gt;alert(1)', '3 files could not be read', 'flowers', 'made up', '· copies', '· different'];
    expect(parts.filter((part) => !page.includes(part))).toEqual([]);
    expect(/<script>alert|(src|href)="(?!data:)/.test(page)).toBe(false);
    // 8 KB of rules, uPlot's 52 KB, and no more than 3 KB for each picture.
    const pictures = page.match(/data:image\/jpeg/g)!.length;
    expect(pictures).toBeGreaterThan(100);
    expect(page.length).toBeLessThan(100_000 + 3000 * pictures);
  });

  it('counts the pairs of the labels', async () => {
    await writeReport(run, { labels });
    const page = readFileSync(join(run, 'report.html'), 'utf8');
    const charts = JSON.parse(/id="charts">([^<]+)</.exec(page)![1]!) as { id: string; data: number[][] }[];
    const [thresholds, precision] = charts.find(({ id }) => id === 'precision-03-selfDeduplicate')!.data;
    expect(thresholds).toEqual([50, 60, 70, 80]);
    for (const share of precision!) expect(share).toBeGreaterThan(0);
    expect(Math.max(...precision!)).toBeLessThan(1); // the made-up pairs hold different pictures too
  });

  it('does with fewer pictures, without labels, and with images that are gone', async () => {
    const page = async (options = {}) => readFileSync(await writeReport(run, options), 'utf8');
    expect((await page({ pictures: 5 })).match(/data:image\/jpeg/g)!.length).toBeLessThan(20); // one picture may stand in several places
    expect((await page()).includes('by the labels')).toBe(false);
    await expect(writeReport(folder)).rejects.toThrow(/result\.json is missing; finish the run with: dinov2-curate run/);
    writeFileSync(join(folder, 'labels.csv'), 'name,group\na,1\n');
    await expect(writeReport(run, { labels: join(folder, 'labels.csv') })).rejects.toThrow(/has the columns name, group; labels need path and group/);
  });

  it.runIf(existsSync(browserFile)).each([
    ['desktop', 1280, 900, 'light'],
    ['phone', 390, 800, 'dark'],
  ] as const)('fits a %s and loads nothing', async (name, width, height, colorScheme) => {
    const path = await writeReport(run, { labels });
    const page = await browser!.newPage({ viewport: { width, height }, colorScheme });
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    page.on('request', (request) => /^(file|data|blob):/.test(request.url()) || problems.push(request.url()));
    await page.goto(pathToFileURL(path).href);
    await page.waitForSelector('[data-ready]');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    expect(await page.locator('.chart canvas').count()).toBeGreaterThanOrEqual(5);
    await page.evaluate("for (const image of document.images) image.loading = 'eager'");
    const broken = await page.evaluate('Promise.all([...document.images].map((image) => image.decode().then(() => 0, () => 1))).then((all) => all.reduce((a, b) => a + b, 0))');
    expect(broken).toBe(0);
    const lefts = await page.evaluate("[...document.querySelectorAll('.streams rect')].map((bar) => bar.getBoundingClientRect().height)");
    expect((lefts as number[])[0]).toBeGreaterThan((lefts as number[]).at(-1)!);
    expect(problems).toEqual([]);
    if (process.env.REPORT_PICTURES) await page.screenshot({ path: join(process.env.REPORT_PICTURES, `report-${name}.png`), fullPage: true });
    await page.close();
  });
});
