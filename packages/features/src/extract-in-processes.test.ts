import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { preprocessings } from '@dinov2/augment';
import { openFolder } from '@dinov2/data';
import { initialize, vitConfig } from '@dinov2/vit';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createExtractor } from './create-extractor';
import { extractFeatures } from './extract-features';

const built = (name: string) => JSON.stringify(new URL(`../../${name}/dist/index.js`, import.meta.url));
// A process of its own runs the built packages.
const program = `
  import { createExtractor, extractFeatures } from ${built('features')};
  import { openFolder } from ${built('data')};
  import { initialize } from ${built('vit')};
  const { config, preprocessing, outputs, pictures, cache } = JSON.parse(process.argv[2]);
  const extractor = await createExtractor({ config, preprocessing, parameters: initialize(config, 1) }, outputs);
  const onProgress = ({ done, cached }) => console.log(\`\${done} \${cached}\`);
  try {
    await (await extractFeatures(extractor, openFolder(pictures), { cache, batchSize: 1, onProgress })).close();
  } catch (error) {
    console.log(\`\${error.name} \${error.message}\`);
  }
  await extractor.dispose();
`;
const config = vitConfig('tiny', { embedDim: 48, depth: 2, heads: 3, patchSize: 8, imageSize: 32, registers: 2, layerScale: 1 });
const preprocessing = { ...preprocessings.dinov2, resize: { shortestEdge: 32 }, crop: { height: 32, width: 32 } };
const outputs = { classTokens: 1, meanPatch: true, patchTokens: [0, 1] };
const count = 24;

let folder: string;
let pictures: string;
let expected: { vectors: Float32Array[]; patches: Float32Array[] };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'features-processes-'));
  writeFileSync(join(folder, 'program.mjs'), program);
  mkdirSync((pictures = join(folder, 'pictures')));
  for (let i = 0; i < count; i++) {
    await sharp({ create: { width: 40 + i, height: 36, channels: 3, background: { r: 10 * i, g: 90, b: 255 - 10 * i } } })
      .composite([{ input: { create: { width: 9, height: 5 + i, channels: 3, background: '#ff8000' } }, left: i, top: 3 }])
      .png()
      .toFile(join(pictures, `${i}.png`));
  }
  expected = await features(join(folder, 'at-once'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** All features, what the cache has not computed in this process, and how many it had. */
async function features(cache: string) {
  const extractor = await createExtractor({ config, preprocessing, parameters: initialize(config, 1) }, outputs);
  const cached: number[] = [];
  const table = await extractFeatures(extractor, openFolder(pictures), { cache, onProgress: (progress) => cached.push(progress.cached) });
  const patches: Float32Array[] = [];
  for (let i = 0; i < table.count; i++) patches.push((await table.patchTokens(i)).data);
  const vectors = [table.classTokens().data, table.meanPatches().data];
  await table.close();
  await extractor.dispose();
  return { vectors, patches, cached: cached[0] };
}

/** Extract in another process, whose files may grow to `kilobytes`. */
function start(cache: string, kilobytes: number | 'unlimited' = 'unlimited'): { process: ChildProcess; lines: AsyncIterable<string> } {
  const setup = JSON.stringify({ config, preprocessing, outputs, pictures, cache });
  const script = `ulimit -f ${kilobytes}; exec "$0" "$1" "$2"`;
  const child = spawn('bash', ['-c', script, process.execPath, join(folder, 'program.mjs'), setup], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { process: child, lines: createInterface({ input: child.stdout! }) };
}

describe('extractFeatures in several processes', () => {
  it.each([3, 16])('goes on where a process was killed after %d images, to equal bytes', async (kill) => {
    const cache = join(folder, `killed-${kill}`);
    const child = start(cache);
    const exit = once(child.process, 'exit');
    for await (const line of child.lines) if (Number.parseInt(line, 10) >= kill) child.process.kill('SIGKILL');
    await exit;
    const { cached, ...found } = await features(cache);
    expect(cached).toBeGreaterThanOrEqual(kill);
    expect(cached).toBeLessThan(count);
    expect(found).toEqual({ vectors: expected.vectors, patches: expected.patches });
  });

  it('lets two processes fill one cache at once', async () => {
    const cache = join(folder, 'shared');
    const children = [start(cache), start(cache)];
    await Promise.all(children.map(({ process }) => once(process, 'exit')));
    const [key] = readdirSync(cache);
    expect(readdirSync(join(cache, key)).filter((name) => name.endsWith('.index.jsonl')).length).toBe(2);
    const { cached, ...found } = await features(cache);
    expect(cached).toBe(count);
    expect(found).toEqual({ vectors: expected.vectors, patches: expected.patches });
  });

  it('says that a disk is full and keeps what is there', async () => {
    const cache = join(folder, 'full');
    // A record of patch tokens is 2 blocks × 16 patches × 48 numbers × 2 bytes = 3 KiB.
    const child = start(cache, 16);
    const lines: string[] = [];
    for await (const line of child.lines) lines.push(line);
    expect(lines.at(-1)).toMatch(/^FeaturesError no space left for features in .*\(EFBIG\); 5 images of this run are kept there: free some space/);
    const { cached, ...found } = await features(cache);
    expect(cached).toBe(5);
    expect(found).toEqual({ vectors: expected.vectors, patches: expected.patches });
  });
});
