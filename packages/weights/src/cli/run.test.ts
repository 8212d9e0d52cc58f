import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HeadConfig, headParameterShapes, type HostArray, parameterShapes, vitConfig } from '@dinov2/vit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { hashedParameters } from '../../../../tests/support/golden';
import { writeSafetensors } from '../files/write-safetensors';
import { loadPretrained } from '../load-pretrained';
import { run } from './run';

const config = vitConfig('tiny', { embedDim: 64, depth: 2, heads: 1, patchSize: 14, imageSize: 56, layerScale: 1 });
const parameters = hashedParameters(parameterShapes(config));
const head: HeadConfig = { inputDim: 64, hiddenDim: 32, bottleneckDim: 16, prototypes: 24, layers: 3 };
const headParameters = hashedParameters(headParameterShapes(head));

let folder = '';
let checkpoint = '';
/** A path in the folder of this test file. */
const at = (...names: string[]): string => join(folder, ...names);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weights-cli-'));
  checkpoint = at('teacher_checkpoint.safetensors');
  const under = (prefix: string, record: Record<string, HostArray>): [string, HostArray][] =>
    Object.entries(record).map(([name, tensor]) => [`teacher.${prefix}.${name}`, tensor]);
  await writeSafetensors(checkpoint, Object.fromEntries([...under('backbone', parameters), ...under('dino_head', headParameters)]));
});
afterAll(() => rm(folder, { recursive: true }));

let printed: string[] = [];
let complaints: string[] = [];
beforeEach(() => {
  printed = [];
  complaints = [];
  vi.spyOn(console, 'log').mockImplementation((text: string) => void printed.push(text));
  vi.spyOn(console, 'error').mockImplementation((text: string) => void complaints.push(text));
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => vi.restoreAllMocks());

const backboneOf = async (path: string): Promise<Record<string, HostArray>> => (await loadPretrained(path, { log: false })).parameters;

describe('dinov2-weights', () => {
  it('says what a file holds', async () => {
    expect(await run(['inspect', checkpoint])).toBe(0);
    const text = printed.join('\n');
    expect(text).toContain('under "teacher.backbone."');
    expect(text).toContain('2 blocks, 64 wide, 1 heads, patch 14');
    expect(text).toContain('table of 4 x 4 (56 pixels), resampled with offset 0.1');
    expect(text).toMatch(/not used: .*dino_head/);
    expect(text).toContain('stored: safetensors, 43 tensors (43 F32)');
  });

  it('reads a .pth file without checksums when told to', async () => {
    const bytes = await readFile(new URL('../layouts/golden/fair-dinov2-training/weights.pth', import.meta.url));
    // The checksum in an entry of the archive's directory (APPNOTE.TXT, section 4.3.12).
    for (let entry = bytes.indexOf('PK\x01\x02'); entry >= 0; entry = bytes.indexOf('PK\x01\x02', entry + 4)) bytes.writeUInt32LE(0, entry + 16);
    await writeFile(at('unchecked.pth'), bytes);
    expect(await run(['inspect', at('unchecked.pth'), '--attention-heads', '2'])).toBe(1);
    expect(complaints.join()).toMatch(/has no checksum of .* on the command line --no-checksums\./);
    expect(await run(['inspect', at('unchecked.pth'), '--attention-heads', '2', '--no-checksums'])).toBe(0);
    expect(printed.join('\n')).toContain('stored: PyTorch');
  });

  it('turns a training checkpoint into every format', async () => {
    for (const [to, out] of [
      ['huggingface', 'hf'],
      ['transformers.js', 'tjs'],
      ['safetensors', 'new/backbone.safetensors'],
    ] as const) {
      expect(await run(['convert', checkpoint, at(out), '--to', to])).toBe(0);
      expect(await backboneOf(at(out))).toEqual(parameters);
    }
    expect(JSON.parse(await readFile(at('hf', 'config.json'), 'utf8'))).toMatchObject({ model_type: 'dinov2', hidden_size: 64 });
    await access(at('tjs', 'onnx', 'model.onnx'));

    expect(await run(['convert', at('hf'), at('new', 'model.onnx'), '--to', 'onnx', '--precision', 'float16'])).toBe(0);
    // Two bytes a weight, and the nodes.
    const weights = Object.values(parameters).reduce((sum, { data }) => sum + data.length, 0);
    const { length } = await readFile(at('new', 'model.onnx'));
    expect(length).toBeGreaterThan(2 * weights);
    expect(length).toBeLessThan(2 * weights + 40_000);
  });

  it('keeps the heads for a training that goes on', async () => {
    const out = at('start', 'backbone.safetensors');
    expect(await run(['convert', checkpoint, out, '--to', 'safetensors', '--heads'])).toBe(0);
    const loaded = await loadPretrained(at('start'), { heads: true, log: false });
    expect(loaded.heads).toEqual({ dino: headParameters });
    expect(loaded.parameters).toEqual(parameters);
    // A backbone alone has none.
    expect(await run(['convert', at('new'), out, '--to', 'safetensors', '--heads', '--force'])).toBe(1);
    expect(complaints.join()).toMatch(/no projection heads/);
  });

  it('overwrites only when told to', async () => {
    const out = at('kept.onnx');
    await writeFile(out, 'kept');
    expect(await run(['convert', checkpoint, out, '--to', 'onnx'])).toBe(2);
    expect(complaints.join()).toContain(`${out} is there already; pass --force`);
    expect(await readFile(out, 'utf8')).toBe('kept');
    expect(await run(['convert', checkpoint, out, '--to', 'onnx', '--force'])).toBe(0);
    expect(await run(['convert', checkpoint, folder, '--to', 'huggingface'])).toBe(2);
    expect(complaints.join()).toContain('is not empty');
  });

  it('takes no OUT of the wrong kind', async () => {
    expect(await run(['convert', checkpoint, checkpoint, '--to', 'huggingface'])).toBe(2);
    expect(await run(['convert', checkpoint, folder, '--to', 'onnx'])).toBe(2);
    expect(await run(['convert', checkpoint, checkpoint, '--to', 'safetensors', '--force'])).toBe(2);
    expect(await run(['convert', checkpoint, at('other.safetensors'), '--to', 'safetensors', '--heads'])).toBe(2);
    expect(complaints.map((text) => /writes a folder|model\.onnx|name another|name OUT/.exec(text)?.[0])).toEqual([
      'writes a folder',
      'model.onnx',
      'name another',
      'name OUT',
    ]);
  });

  it('says where it cannot write', async () => {
    for (const [to, name] of [['huggingface', 'out'], ['onnx', 'out/a.onnx'], ['safetensors', 'out/a.safetensors']] as const) {
      expect(await run(['convert', checkpoint, join(checkpoint, name), '--to', to])).toBe(1);
      expect(complaints.at(-1)).toMatch(/^error: Cannot write .*teacher_checkpoint\.safetensors.* ENOTDIR.* Check the path and its permissions\.$/);
    }
  });

  it('ends with 1 where a file is no backbone, with a sentence', async () => {
    await writeFile(at('notes.txt'), 'no weights');
    expect(await run(['inspect', at('notes.txt')])).toBe(1);
    expect(await run(['inspect', at('nothing.pth')])).toBe(1);
    expect(complaints).toHaveLength(2);
    for (const text of complaints) expect(text).toMatch(/^error: [^\n]+\.$/);
  });
});
