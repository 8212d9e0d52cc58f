import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { preprocessings } from '@dinov2/augment';
import { ffnHiddenDim, initialize, vitConfig } from '@dinov2/vit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WeightsError } from './errors';
import { readSafetensors } from './files/open-safetensors';
import { loadPretrained, type Pretrained } from './load-pretrained';
import { saveBackbone } from './save-backbone';
import { saveHuggingFace } from './save-hugging-face';

const golden = (name: string): string => fileURLToPath(new URL(`./layouts/golden/${name}`, import.meta.url));
const quiet = { log: false } as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'save-'));
});
afterAll(() => rm(folder, { recursive: true }));

const readJson = (path: string): Record<string, unknown> => JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;

function expectEqual(actual: Pick<Pretrained, 'parameters'>, expected: Pick<Pretrained, 'parameters'>): void {
  expect(Object.keys(actual.parameters)).toEqual(Object.keys(expected.parameters));
  for (const [name, { data, shape }] of Object.entries(expected.parameters)) {
    expect(actual.parameters[name].shape, name).toEqual(shape);
    expect(Buffer.from(actual.parameters[name].data.buffer).equals(Buffer.from(data.buffer)), name).toBe(true);
  }
}

/** Models with something in every tensor, and zeros where the key has no bias. */
const models = fc
  .record({
    heads: fc.integer({ min: 1, max: 2 }),
    depth: fc.integer({ min: 1, max: 3 }),
    patchSize: fc.integer({ min: 2, max: 4 }),
    side: fc.integer({ min: 2, max: 3 }),
    ffn: fc.constantFrom('mlp' as const, 'swiglu' as const),
    registers: fc.integer({ min: 0, max: 2 }),
    layerScale: fc.constantFrom(1e-5, 0.5),
    normEpsilon: fc.constantFrom(1e-6, 1e-5),
    qkvBias: fc.boolean(),
    keyBias: fc.boolean(),
    positions: fc.constantFrom('table' as const, 'rope' as const),
    ropeBase: fc.constantFrom(50, 100),
    offset: fc.constantFrom(0, 0.1),
    seed: fc.nat(1000),
  })
  .map(({ side, offset, keyBias, seed, ...fields }) => {
    const config = vitConfig('small', {
      ...fields,
      embedDim: 8 * fields.heads,
      imageSize: side * fields.patchSize,
      interpolation: { offset, antialias: false },
    });
    const parameters = initialize(config, seed);
    for (const [name, { data }] of Object.entries(parameters)) {
      if (name !== 'rope_embed.periods') data.forEach((value, i) => (data[i] = value + Math.sin(i + seed)));
      if (config.positions === 'rope' && !keyBias && name.endsWith('qkv.bias')) data.fill(0, config.embedDim, 2 * config.embedDim);
    }
    return { config, parameters, preprocessing: preprocessings.dinov3 };
  });

describe('saveBackbone', () => {
  it('writes files that load as the same model, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(models, async (model) => {
        const path = join(folder, 'any.safetensors');
        await saveBackbone(path, model);
        const loaded = await loadPretrained(path, quiet);
        expect(loaded.config).toEqual(model.config);
        expect(loaded.preprocessing).toEqual(model.preprocessing);
        expectEqual(loaded, model);
      }),
      { numRuns: 40 },
    );
  });

  it('writes the names and values of the repository', async () => {
    for (const [name, options, left] of [
      ['fair-dinov3/weights.safetensors', { attentionHeads: 2 }, /^local_cls_norm\./],
    ] as const) {
      const path = join(folder, 'fair.safetensors');
      await saveBackbone(path, await loadPretrained(golden(name), { ...quiet, ...options }));
      const [written, original] = await Promise.all([readSafetensors(path), readSafetensors(golden(name))]);
      const names = Object.keys(original.tensors).filter((each) => !left.test(each));
      expect(Object.keys(written.tensors).sort()).toEqual(names.sort());
      for (const each of names) {
        expect(written.tensors[each].shape, each).toEqual(original.tensors[each].shape);
        const masked = /^(.*)qkv\.bias$/.test(each) ? (original.tensors[`${each}_mask`].data as Float32Array) : undefined;
        const values = (original.tensors[each].data as Float32Array).map((value, i) => value * (masked?.[i] ?? 1) + 0);
        expect(written.tensors[each].data, each).toEqual(values);
      }
    }
  });

  it('refuses parameters of another model', async () => {
    const config = vitConfig('tiny', { depth: 1, imageSize: 14 });
    const parameters = initialize(config, 0);
    delete parameters['norm.bias'];
    const path = join(folder, 'wrong.safetensors');
    await expect(saveBackbone(path, { config, parameters })).rejects.toThrow(WeightsError);
    await expect(saveBackbone(path, { config, parameters })).rejects.toThrow(/"norm.bias" .* is missing/);
    expect(existsSync(path)).toBe(false);
  });
});

describe('saveHuggingFace', () => {
  it.each([
    ['huggingface-dinov2', 'dinov2.'],
    ['huggingface-dinov2-with-registers', ''],
    ['huggingface-dinov3', ''],
    ['huggingface-dinov3-gated', ''],
  ])('writes what transformers itself writes for %s', async (name, prefix) => {
    const out = join(folder, name);
    const model = await loadPretrained(golden(name), quiet);
    const saved = await saveHuggingFace(out, model, quiet);
    expect(saved.notes).toEqual([]);

    const [written, original] = await Promise.all([
      readSafetensors(join(out, 'model.safetensors')),
      readSafetensors(golden(`${name}/model.safetensors`)),
    ]);
    const expected = Object.entries(original.tensors).filter(([each]) => each.startsWith(prefix));
    expect(Object.keys(written.tensors).sort()).toEqual(expected.map(([each]) => each.slice(prefix.length)).sort());
    for (const [each, { shape, data }] of expected) {
      expect(written.tensors[each.slice(prefix.length)]).toEqual({ dtype: 'F32', shape, data });
    }
    // What transformers fills in itself when it is not there.
    const theirs = readJson(golden(`${name}/config.json`));
    for (const key of ['architectures', 'apply_layernorm', 'dtype', 'id2label', 'label2id', 'out_features', 'out_indices', 'reshape_hidden_states', 'stage_names', 'transformers_version']) {
      delete theirs[key];
    }
    expect(readJson(join(out, 'config.json'))).toMatchObject(theirs);
    expect(saved.modelType).toBe(theirs.model_type);
  });

  it('writes floats as Python does, since transformers refuses whole numbers there', async () => {
    const out = join(folder, 'floats');
    const config = vitConfig('dinov3-small', { depth: 1, embedDim: 16, heads: 2, layerScale: 1 });
    await saveHuggingFace(out, { config, parameters: initialize(config, 0), preprocessing: { ...preprocessings.dinov3, mean: [0, 0, 0], std: [1, 1, 1] } }, quiet);
    const text = readFileSync(join(out, 'config.json'), 'utf8');
    expect(text).toContain('"rope_theta": 100.0');
    expect(text).toContain('"layerscale_value": 1.0');
    expect(text).toContain('"hidden_size": 16,');
    expect(readFileSync(join(out, 'preprocessor_config.json'), 'utf8')).toMatch(/"image_std": \[\s+1\.0,\s+1\.0,\s+1\.0\s+\]/);
  });

  it('writes folders that load as the same model, but for the resampler', async () => {
    await fc.assert(
      fc.asyncProperty(models, async (model) => {
        const out = join(folder, 'any');
        const { notes } = await saveHuggingFace(out, model, quiet);
        const loaded = await loadPretrained(out, quiet);
        const { interpolation, ...rest } = loaded.config;
        const { interpolation: ours, ...expected } = model.config;
        // A table has no use for the base; with rotary positions the file tells the hidden width and not the ratio.
        expect({ ...rest, ropeBase: 0, mlpRatio: ffnHiddenDim(rest) }).toEqual({ ...expected, ropeBase: 0, mlpRatio: ffnHiddenDim(expected) });
        const same = model.config.positions === 'rope' || JSON.stringify(interpolation) === JSON.stringify(ours);
        expect(notes.length).toBe(same ? 0 : 1);
        expectEqual(loaded, model);
      }),
      { numRuns: 40 },
    );
  });

  it('says where positions are resampled in another way, and where LayerScale is added', async () => {
    const config = vitConfig('tiny', { depth: 1, imageSize: 28, layerScale: 0 });
    const said: string[] = [];
    const { notes } = await saveHuggingFace(join(folder, 'notes'), { config, parameters: initialize(config, 0) }, { log: (note) => said.push(note) });
    expect(notes).toEqual([
      expect.stringContaining('LayerScale: it is one in every block'),
      expect.stringContaining('offset 0, not antialiased, this model with offset 0.1, not antialiased: for pictures of another size than 28 x 28'),
    ]);
    expect(said).toEqual(notes.map((note) => `${join(folder, 'notes')}: ${note}`));
  });

  it('says where periods are rounded, and refuses those that no base gives', async () => {
    const config = vitConfig('dinov3-small', { depth: 1, embedDim: 32, heads: 2 });
    const parameters = initialize(config, 0);
    const periods = parameters['rope_embed.periods'].data;
    periods.forEach((period, i) => (periods[i] = period * (1 + i * 1e-3)));
    const { notes } = await saveHuggingFace(join(folder, 'periods'), { config, parameters }, quiet);
    expect(notes).toEqual([expect.stringMatching(/periods .* are rounded, by up to 0\.30 %/)]);
    periods[1] *= 2;
    await expect(saveHuggingFace(join(folder, 'periods'), { config, parameters }, quiet)).rejects.toThrow(/not those of a base of 100/);
  });

  it('refuses a hidden width that transformers cannot be told', async () => {
    const config = vitConfig('tiny', { depth: 1, imageSize: 14, mlpRatio: 2.5 });
    await expect(saveHuggingFace(join(folder, 'ratio'), { config, parameters: initialize(config, 0) }, quiet)).rejects.toThrow(
      /mlpRatio 2.5 \(hidden width 480\) has no whole number/,
    );
  });
});
