import '@tensorflow/tfjs-backend-cpu';
import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { headConfig, headParameterShapes, type HostArray, initialize, initializeHead, vitConfig } from '@dinov2/vit';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { WeightsError } from './errors';
import { readSafetensors } from './files/open-safetensors';
import { writeSafetensors } from './files/write-safetensors';
import { loadPretrained, type LoadOptions } from './load-pretrained';
import { VisionTransformer } from './vision-transformer';

const golden = (name: string): string => fileURLToPath(new URL(`./layouts/golden/${name}`, import.meta.url));

// float32 against float32 through two blocks, in another order of sums.
const tolerance = 1e-4;

/** The generator's pictures: (1, height, width, 3). */
function picture(height: number, width: number): tf.Tensor4D {
  const data = Float32Array.from({ length: height * width * 3 }, (_, i) => ((i * 7919) % 1013) / 506.5 - 1);
  return tf.tensor4d(data, [1, height, width, 3]);
}

async function maximumDifference(actual: tf.Tensor, expected: Float32Array, from: number, tokens: number): Promise<number> {
  const values = await actual.data();
  const D = expected.length / tokens;
  let worst = 0;
  for (let i = 0; i < values.length; i++) worst = Math.max(worst, Math.abs(values[i] - expected[from * D + i]));
  return worst;
}

beforeAll(() => tf.setBackend('cpu'));

const attentionHeads = 2;
const cases: readonly (readonly [name: string, options: LoadOptions])[] = [
  ['huggingface-dinov2', {}],
  ['huggingface-dinov2-with-registers', {}],
  ['huggingface-dinov3', {}],
  ['huggingface-dinov3-gated', {}],
  ['timm-dinov2', {}],
  ['timm-dinov2-giant-registers', {}],
  ['timm-dinov3', {}],
  ['timm-dinov3-plus', {}],
  // timm computed the expected outputs, and resamples so.
  ['fair-dinov2-training', { attentionHeads, interpolation: { offset: 0, antialias: true } }],
  ['fair-dinov3', { attentionHeads }],
];

describe('VisionTransformer.fromPretrained', () => {
  it('is tested on every golden model', () => {
    const folders = readdirSync(golden(''), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map((entry) => entry.name).sort()).toEqual(cases.map(([name]) => name).sort());
  });

  it.each(cases)('gives the outputs of the real program for %s', async (name, options) => {
    const weights = name.startsWith('fair') ? golden(`${name}/weights.${name.endsWith('training') ? 'pth' : 'safetensors'}`) : golden(`${name}/model.safetensors`);
    const { tensors, metadata } = await readSafetensors(golden(`${name}/expected.safetensors`));
    const model = await VisionTransformer.fromPretrained(weights, { log: false, ...options });
    const registers = Number(metadata.prefix) - 1;
    expect(model.config.registers).toBe(registers);
    for (const [label, { data, shape }] of Object.entries(tensors)) {
      const expected = data as Float32Array;
      if (label.startsWith('block')) continue;
      const [height, width] = label.split('x').map(Number);
      const outputs = tf.tidy(() => model.forwardFeatures(picture(height, width)));
      const compare = async (part: tf.Tensor, from: number): Promise<void> => {
        expect(await maximumDifference(part, expected, from, shape[0]), `${label} from token ${from}`).toBeLessThan(tolerance);
      };
      await compare(outputs.clsToken, 0);
      await compare(outputs.registerTokens, 1);
      await compare(outputs.patchTokens, 1 + registers);
      tf.dispose(outputs);
    }
    const layers = tf.tidy(() =>
      model.getIntermediateLayers(picture(16, 16), model.config.depth, { norm: false, returnClassToken: true, returnRegisterTokens: true }),
    );
    for (const [index, { clsToken, registerTokens, patchTokens }] of layers.entries()) {
      const { data, shape } = tensors[`block${index}`];
      const expected = data as Float32Array;
      expect(await maximumDifference(clsToken!, expected, 0, shape[0])).toBeLessThan(tolerance);
      expect(await maximumDifference(registerTokens!, expected, 1, shape[0])).toBeLessThan(tolerance);
      expect(await maximumDifference(patchTokens, expected, 1 + registers, shape[0])).toBeLessThan(tolerance);
    }
    tf.dispose(layers);
    expect(model.preprocessing.mean).toHaveLength(3);
    model.dispose();
    expect(tf.memory().numTensors).toBe(0);
  });
});

describe('loadPretrained', () => {
  const quiet = { log: false } as const;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'load-'));
    return () => rm(folder, { recursive: true });
  });
  const config = vitConfig('small', { embedDim: 16, heads: 2, depth: 2, patchSize: 4, imageSize: 16, mlpRatio: 2 });
  const parameters = initialize(config, 1);
  const own = async (name: string): Promise<string> => {
    await mkdir(join(folder, name));
    return join(folder, name);
  };
  const prefixed = (prefix: string, record: Readonly<Record<string, HostArray>>): Record<string, HostArray> =>
    Object.fromEntries(Object.entries(record).map(([name, array]) => [`${prefix}${name}`, array]));

  it('logs what it found, once', async () => {
    const said: string[] = [];
    const path = golden('huggingface-dinov2');
    const { summary } = await loadPretrained(path, { log: (text) => said.push(text) });
    expect(said).toEqual([summary]);
    expect(summary.replace(path, 'X')).toBe(
      [
        'X/model.safetensors: Hugging Face dinov2 under "dinov2.", config.json (model_type "dinov2")',
        '2 blocks, 16 wide, 2 heads, patch 4, MLP 32, 5.63 thousand parameters',
        'positions: table of 4 x 4 (16 pixels), resampled with offset 0, not antialiased',
        'preprocessing (from preprocessor_config.json): shorter side to 256, bicubic (torch), middle 224 x 224, mean 0.485 0.456 0.406, std 0.229 0.224 0.225',
        'not used: classifier (2 tensors)',
      ].join('\n  '),
    );
    const info = vi.spyOn(console, 'info').mockImplementation(() => {});
    await loadPretrained(path, quiet);
    expect(info).not.toHaveBeenCalled();
    await loadPretrained(path);
    expect(info).toHaveBeenCalledExactlyOnceWith(summary);
    info.mockRestore();
  });

  it('loads heads of a training checkpoint, under either of PyTorch\'s names', async () => {
    const path = golden('fair-dinov2-training/weights.pth');
    expect((await loadPretrained(path, { ...quiet, attentionHeads })).heads).toBeUndefined();
    const { heads, summary } = await loadPretrained(path, { ...quiet, attentionHeads, heads: true });
    const shapes = headParameterShapes(headConfig(16, { prototypes: 20, hiddenDim: 12, bottleneckDim: 8 }));
    for (const head of [heads!.dino!, heads!.ibot!]) {
      expect(Object.fromEntries(Object.entries(head).map(([name, { shape }]) => [name, shape]))).toEqual(shapes);
    }
    expect(heads!.dino!['mlp.0.weight'].data).not.toEqual(heads!.ibot!['mlp.0.weight'].data);
    expect(summary).toContain('heads: dino with 20 prototypes, ibot with 20 prototypes');
  });

  it('gives the plain last layer of DINOv3 as directions and norms', async () => {
    const head = initializeHead(headConfig(16, { prototypes: 6, hiddenDim: 8, bottleneckDim: 4 }), 3);
    const { 'last_layer.weight_v': weight, 'last_layer.weight_g': _, ...layers } = head;
    const path = join(folder, 'plain-head.safetensors');
    await writeSafetensors(path, {
      ...prefixed('teacher.backbone.', parameters),
      ...prefixed('teacher.dino_head.', { ...layers, 'last_layer.weight': weight }),
    });
    const { heads } = await loadPretrained(path, { ...quiet, attentionHeads, heads: true });
    const found = heads!.dino!;
    expect(found['last_layer.weight_v']).toEqual(weight);
    const rowNorm = (row: number): number => Math.hypot(...weight.data.subarray(4 * row, 4 * row + 4));
    expect([...found['last_layer.weight_g'].data]).toEqual([0, 1, 2, 3, 4, 5].map((row) => expect.closeTo(rowNorm(row), 6)));
    expect(found['last_layer.weight_g'].shape).toEqual([6, 1]);
  });

  it('loads a run of this project: its weights, heads and configuration', async () => {
    const run = await own('run');
    const trained = { ...config, registers: 2, interpolation: { offset: 0.1, antialias: false } };
    const backbone = initialize(trained, 2);
    const head = initializeHead(headConfig(16, { prototypes: 6, hiddenDim: 8, bottleneckDim: 4 }), 3);
    // A run of an older version, which knew no other positions.
    const { positions: _p, ropeBase: _r, normEpsilon: _n, qkvBias: _q, ...older } = trained;
    const metadata = { format: 'pt', model: JSON.stringify(older), iteration: '7' };
    await writeSafetensors(join(run, 'backbone.safetensors'), backbone, metadata);
    await writeSafetensors(join(run, 'heads.safetensors'), prefixed('dino_head.', head), metadata);
    await writeFile(join(run, 'config.json'), JSON.stringify({ model: older, batchSize: 8 }));
    const loaded = await loadPretrained(run, { ...quiet, heads: true });
    expect(loaded.config).toEqual(trained);
    expect(loaded.parameters).toEqual(backbone);
    expect(loaded.heads).toEqual({ dino: head });
    expect(loaded.preprocessing).toMatchObject({ resize: { shortestEdge: 18 }, crop: { height: 16, width: 16 } });

    // Without its metadata, as the weights of the start are written.
    await writeSafetensors(join(run, 'initial-backbone.safetensors'), backbone);
    expect((await loadPretrained(join(run, 'initial-backbone.safetensors'), quiet)).config).toEqual(trained);
  });

  it('loads the teacher of a checkpoint of a run', async () => {
    const checkpoint = await own('00000007');
    const teacher = initialize(config, 4);
    await writeSafetensors(join(checkpoint, 'state.safetensors'), {
      ...prefixed('student.backbone.', parameters),
      ...prefixed('teacher.backbone.', teacher),
      ...prefixed('m.backbone.', parameters),
      ...prefixed('v.backbone.', parameters),
      'teacher.dinoHead.mlp.0.weight': { data: new Float32Array(2), shape: [1, 2] },
      'centres.dino': { data: new Float32Array(3), shape: [1, 3] },
    });
    await writeFile(join(checkpoint, 'manifest.json'), JSON.stringify({ version: 1, config: { model: config } }));
    const loaded = await loadPretrained(checkpoint, quiet);
    expect(loaded.parameters).toEqual(teacher);
    expect(loaded.summary).toContain('not used: loss centres, m (35 tensors), student (35 tensors), dino_head, v (35 tensors)');
    expect((await loadPretrained(checkpoint, { ...quiet, branch: 'student' })).parameters).toEqual(parameters);
  });

  it('prints no control character of a name', async () => {
    const path = join(folder, 'escape.safetensors');
    await writeSafetensors(path, prefixed('\x1b[2Jteacher.backbone.', parameters));
    expect((await loadPretrained(path, { ...quiet, attentionHeads })).summary).toContain('under "?[2Jteacher.backbone."');
  });

  it('names a tensor that is not finite', async () => {
    const path = join(folder, 'diverged.safetensors');
    for (const value of [NaN, -Infinity]) {
      const bad = { ...parameters, 'blocks.1.mlp.fc1.bias': { data: new Float32Array(32).fill(value), shape: [32] } };
      await writeSafetensors(path, bad, { model: JSON.stringify(config) });
      await expect(loadPretrained(path, quiet)).rejects.toThrow(`"blocks.1.mlp.fc1.bias" of ${path} holds ${value} at element 0`);
    }
  });

  it('takes a mask that was never initialised as the mask it should be', async () => {
    const { tensors } = await readSafetensors(golden('fair-dinov3/weights.safetensors'));
    const path = join(folder, 'mask.safetensors');
    const unset = { data: new Float32Array(48).fill(NaN), shape: [48] };
    const widened = Object.fromEntries(Object.entries(tensors).map(([name, { data, shape }]) => [name, { data, shape }]));
    await writeSafetensors(path, { ...widened, 'blocks.0.attn.qkv.bias_mask': unset });
    const options = { ...quiet, attentionHeads };
    const [masked, whole] = await Promise.all([loadPretrained(path, options), loadPretrained(golden('fair-dinov3/weights.safetensors'), options)]);
    expect(masked.parameters['blocks.0.attn.qkv.bias'].data.subarray(16, 32)).toEqual(new Float32Array(16));
    expect(masked.parameters).toEqual(whole.parameters);
  });

  it.each([
    ['another model type', '{"model_type":"vit"}', /config.json \(model_type "vit"\) describes a model that is not supported: the types dinov2/],
    ['another activation', '{"model_type":"dinov2","hidden_act":"relu"}', /hidden_act is "relu"; its feed-forward layers need "gelu"/],
    ['an oblong table', '{"model_type":"dinov2","image_size":[224,448]}', /image_size is \[224,448\], and not square/],
    ['text for a number', '{"model_type":"dinov2","hidden_size":"many"}', /hidden_size "many", which is not a number/],
    ['another depth', '{"model_type":"dinov2","num_hidden_layers":9}', /depth is 2 in the weights, 9 in config.json/],
    ['broken JSON', '{"model_type":', /config.json is not JSON/],
  ])('refuses a config.json with %s', async (name, json, message) => {
    const path = await own(name);
    await writeSafetensors(join(path, 'model.safetensors'), parameters);
    await writeFile(join(path, 'config.json'), json);
    await expect(loadPretrained(path, quiet)).rejects.toThrow(WeightsError);
    await expect(loadPretrained(path, quiet)).rejects.toThrow(message);
  });

  it.runIf(process.platform === 'linux')('reads no device that a config.json leads to', async () => {
    const path = await own('device');
    await writeSafetensors(join(path, 'model.safetensors'), parameters);
    await symlink('/dev/zero', join(path, 'config.json'));
    await expect(loadPretrained(path, quiet)).rejects.toThrow(/config\.json is not a regular file/);
  });

  it('passes over a config.json of something else', async () => {
    const path = await own('else');
    await writeSafetensors(join(path, 'model.safetensors'), parameters);
    await writeFile(join(path, 'config.json'), '{"name":"else"}');
    expect((await loadPretrained(path, { ...quiet, attentionHeads })).config.depth).toBe(2);
  });

  it('reads preprocessing where it is described, and says so where it cannot be done', async () => {
    const path = await own('processed');
    await writeSafetensors(join(path, 'model.safetensors'), parameters, { model: JSON.stringify(config) });
    const processor = (fields: object): Promise<void> => writeFile(join(path, 'preprocessor_config.json'), JSON.stringify(fields));
    const base = { image_processor_type: 'BitImageProcessor', image_mean: [0.5, 0.4, 0.3], image_std: [0.2, 0.2, 0.2], size: { shortest_edge: 32 }, crop_size: 24 };
    await processor(base);
    const found = await loadPretrained(path, quiet);
    expect(found.preprocessing).toEqual({
      resize: { shortestEdge: 32 },
      resample: 'bicubic',
      resizer: 'torch',
      crop: { height: 24, width: 24 },
      cropRounding: 'down',
      mean: [0.5, 0.4, 0.3],
      std: [0.2, 0.2, 0.2],
    });
    expect(found.summary).toContain('preprocessing (from preprocessor_config.json): shorter side to 32');
    await processor({ ...base, resample: 0 });
    expect((await loadPretrained(path, quiet)).summary).toContain('preprocessor_config.json says resample 0, which is not supported');
  });
});
