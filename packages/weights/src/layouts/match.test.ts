import { parameterShapes, type VitConfig, vitConfig } from '@dinov2/vit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WeightsError } from '../errors';
import { type ConfigDescription, factsOfConfig } from './describe-config';
import { fairDinov2 } from './fair-dinov2';
import { fairDinov3 } from './fair-dinov3';
import { huggingFaceDinov2, huggingFaceDinov2WithRegisters } from './hugging-face-dinov2';
import { huggingFaceDinov3 } from './hugging-face-dinov3';
import { type Layout, piecesOf, type Shape } from './layout';
import { matchLayout } from './match';
import { timmDinov2, timmDinov2WithRegisters } from './timm-dinov2';
import { timmDinov3 } from './timm-dinov3';

type Entries = Map<string, { shape: Shape }>;

/** Names and shapes of a file with a model in it. */
function entriesOf(layout: Layout, config: VitConfig): Entries {
  const entries: Entries = new Map();
  for (const piece of [...piecesOf(layout, config).values()].flat()) {
    if ('values' in piece) continue;
    entries.set(piece.name, { shape: piece.shape });
    if (piece.mask !== undefined) entries.set(piece.mask, { shape: piece.shape });
  }
  return entries;
}

const descriptionOf = (config: VitConfig): ConfigDescription => ({ source: 'config.json', writer: 'dinov2-ts', facts: factsOfConfig(config) });

const layouts: readonly (readonly [Layout, (config: VitConfig) => boolean])[] = [
  [fairDinov2, ({ positions }) => positions === 'table'],
  [fairDinov3, ({ positions, registers, layerScale }) => positions === 'rope' && registers > 0 && layerScale > 0],
  [huggingFaceDinov2, ({ positions, registers, layerScale }) => positions === 'table' && registers === 0 && layerScale > 0],
  [huggingFaceDinov2WithRegisters, ({ positions, registers, layerScale }) => positions === 'table' && registers > 0 && layerScale > 0],
  [huggingFaceDinov3, ({ positions, registers, layerScale }) => positions === 'rope' && registers > 0 && layerScale > 0],
  [timmDinov2WithRegisters, ({ positions, registers, layerScale, qkvBias }) => positions === 'table' && registers > 0 && layerScale > 0 && qkvBias],
  [timmDinov3, ({ positions, registers, layerScale }) => positions === 'rope' && registers > 0 && layerScale > 0],
];

const configs = fc
  .record({
    heads: fc.integer({ min: 1, max: 3 }),
    headDim: fc.constantFrom(4, 8, 12),
    depth: fc.integer({ min: 2, max: 4 }),
    patchSize: fc.integer({ min: 1, max: 5 }),
    side: fc.integer({ min: 2, max: 5 }),
    ffn: fc.constantFrom('mlp' as const, 'swiglu' as const),
    mlpRatio: fc.constantFrom(2, 3, 4),
    registers: fc.integer({ min: 0, max: 4 }),
    layerScale: fc.constantFrom(0, 1e-5),
    qkvBias: fc.boolean(),
    positions: fc.constantFrom('table' as const, 'rope' as const),
  })
  .map(({ headDim, side, ...config }) =>
    vitConfig('small', { ...config, embedDim: config.heads * headDim, imageSize: side * config.patchSize }),
  );

const models = configs
  .chain((config) => {
    const fitting = layouts.filter(([, fits]) => fits(config)).map(([layout]) => layout);
    return fc.record({ config: fc.constant(config), layout: fc.constantFrom(...(fitting.length > 0 ? fitting : [undefined])) });
  })
  .filter((model): model is { config: VitConfig; layout: Layout } => model.layout !== undefined);

describe('matchLayout', () => {
  it('tells any model of any layout from names, shapes and the number of heads', () => {
    fc.assert(
      fc.property(models, fc.constantFrom('', 'teacher.backbone.', 'module.', 'model.student.backbone._fsdp_wrapped_module.', '_orig_mod.module.'), ({ config, layout }, prefix) => {
        const entries = new Map([...entriesOf(layout, config)].map(([name, entry]) => [prefix + name, entry]));
        const found = matchLayout('x', entries, { attentionHeads: config.heads });
        expect(found.layout.title).toBe(layout.title);
        expect(parameterShapes({ ...found.config, imageSize: config.imageSize })).toEqual(parameterShapes(config));
        if (config.positions === 'table') expect(found.config.imageSize).toBe(config.imageSize);
        expect(found.accounted.ignored).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  /** Fields of the configuration that a single tensor tells; a description then contradicts it. */
  const told = /registers is|patchSize is|heads is/;

  it('names a tensor that is missing', () => {
    fc.assert(
      fc.property(models, fc.nat(), ({ config, layout }, at) => {
        const entries = entriesOf(layout, config);
        const names = [...entries.keys()].filter((name) => !name.endsWith('mask_token'));
        const name = names[at % names.length];
        entries.delete(name);
        expectFault(() => matchLayout('x', entries, { description: descriptionOf(config) }), name, told);
      }),
      { numRuns: 300 },
    );
  });

  it('names a tensor of another shape', () => {
    fc.assert(
      fc.property(models, fc.nat(), fc.nat(), fc.integer({ min: 1, max: 3 }), ({ config, layout }, at, axis, more) => {
        const entries = entriesOf(layout, config);
        const names = [...entries.keys()];
        const name = names[at % names.length];
        const shape = [...entries.get(name)!.shape];
        shape[axis % shape.length] += more;
        entries.set(name, { shape });
        expectFault(() => matchLayout('x', entries, { description: descriptionOf(config) }), name, told);
      }),
      { numRuns: 300 },
    );
  });

  it('names a tensor that does not belong', () => {
    const extra = fc.constantFrom('blocks.0.attn.rotary.weight', 'encoder.layer.1.adapter.bias', 'layer.0.attention.scale', 'probe', 'norm.running_mean');
    fc.assert(
      fc.property(models, extra, ({ config, layout }, name) => {
        const entries = entriesOf(layout, config).set(name, { shape: [3] });
        expectFault(() => matchLayout('x', entries, { attentionHeads: config.heads }), name);
      }),
      { numRuns: 100 },
    );
  });

  function expectFault(match: () => unknown, name: string, otherwise?: RegExp): void {
    let message = '';
    try {
      match();
    } catch (error) {
      expect(error).toBeInstanceOf(WeightsError);
      message = (error as Error).message;
    }
    if (otherwise?.test(message) !== true) expect(message).toContain(`"${name}"`);
  }

  const small = vitConfig('small', { embedDim: 64, heads: 1, depth: 2, patchSize: 4, imageSize: 16 });

  it('lists all faults in one error, at most ten of a kind', () => {
    const entries = entriesOf(fairDinov2, small);
    for (const name of [...entries.keys()].filter((each) => each.startsWith('blocks.0.'))) entries.delete(name);
    entries.set('surprise', { shape: [7] }).set('norm.bias', { shape: [65] });
    expect(() => matchLayout('a.pth', entries)).toThrow(
      /^a\.pth .*\(DINOv2\): 14 tensors are missing: ("[^"]+" \([\d,]+\), ){9}"[^"]+" \([\d,]+\) and 4 more; 1 tensor is unexpected: "surprise" \(7\); 1 tensor is of another shape: "norm.bias" has \(65\), needs \(64\)\./,
    );
  });

  it('names both sides where weights and configuration differ', () => {
    const description = descriptionOf({ ...small, depth: 12, registers: 4 });
    expect(() => matchLayout('a.pth', entriesOf(fairDinov2, small), { description })).toThrow(
      'a.pth and config.json beside it describe different models: depth is 2 in the weights, 12 in config.json; registers is 0 in the weights, 4 in config.json.',
    );
  });

  it('takes the teacher of a training checkpoint, or the student on request, and says what it leaves', () => {
    const entries: Entries = new Map();
    for (const [name, entry] of entriesOf(fairDinov2, small)) {
      const chunked = name.replace(/^blocks\.(\d)/, 'blocks.$1.$1');
      for (const owner of ['student', 'teacher']) entries.set(`${owner}.backbone.${chunked}`, entry);
    }
    entries.set('teacher.dino_head.mlp.0.weight', { shape: [2, 64] }).set('dino_loss.center', { shape: [1, 2] });
    const { backbone, accounted, config } = matchLayout('x', entries);
    expect(backbone.source.get('blocks.1.norm1.weight')).toBe('teacher.backbone.blocks.1.1.norm1.weight');
    expect(accounted.ignored).toEqual(['student (35 tensors)', 'dino_head', 'loss centres']);
    expect(config.interpolation).toEqual({ offset: 0.1, antialias: false });
    expect(matchLayout('x', entries, { branch: 'student' }).backbone.prefix).toBe('student.backbone.');
    entries.forEach((_, name) => name.startsWith('student') && entries.delete(name));
    expect(() => matchLayout('x', entries, { branch: 'student' })).toThrow(/no student backbone; its backbones are: "teacher.backbone."/);
  });

  it('takes the average of a distilled student, not its larger teacher', () => {
    const entries: Entries = new Map();
    const large = { ...small, embedDim: 128, heads: 2 };
    for (const [owner, config] of [['teacher', large], ['model_ema', small], ['student', small]] as const) {
      for (const [name, entry] of entriesOf(fairDinov2, config)) entries.set(`${owner}.backbone.${name}`, entry);
    }
    const { backbone, config } = matchLayout('x', entries);
    expect([backbone.prefix, config.embedDim]).toEqual(['model_ema.backbone.', 64]);
  });

  it('resamples positions as the program of the layout does', () => {
    const registers = { ...small, registers: 4 };
    const of = (layout: Layout, config: VitConfig): unknown => matchLayout('x', entriesOf(layout, config)).config.interpolation;
    const [offset, plain, antialiased] = [
      { offset: 0.1, antialias: false },
      { offset: 0, antialias: false },
      { offset: 0, antialias: true },
    ];
    expect(of(fairDinov2, small)).toEqual(offset);
    expect(of(fairDinov2, registers)).toEqual(antialiased);
    expect(of(huggingFaceDinov2, small)).toEqual(plain);
    expect(of(huggingFaceDinov2WithRegisters, registers)).toEqual(antialiased);
    expect(of(timmDinov2WithRegisters, registers)).toEqual(antialiased);
    const timm = entriesOf(timmDinov2, small);
    timm.delete('mask_token');
    expect(matchLayout('x', timm).config.interpolation).toEqual(antialiased);
    expect(matchLayout('x', timm, { interpolation: offset }).config.interpolation).toEqual(offset);
    const trained = new Map([...entriesOf(fairDinov2, registers)].map(([name, entry]) => [`teacher.backbone.${name}`, entry]));
    expect(matchLayout('x', trained).config.interpolation).toEqual(offset);
  });

  const plain = ['cls_token', 'pos_embed', 'patch_embed.proj.weight', 'blocks.0.norm1.weight', 'blocks.0.attn.qkv.weight'];
  it.each([
    ['a plain ViT', plain, /neither LayerScale .* plain vision transformer \(DINOv1/],
    ['MAE', [...plain, 'mask_token', 'decoder_blocks.0.norm1.weight'], /"decoder_blocks.0.norm1.weight": a masked autoencoder/],
    ['CLIP', ['visual.class_embedding', 'visual.transformer.resblocks.0.ln_1.weight', 'logit_scale'], /"visual.class_embedding": a CLIP/],
    ['CLIP of transformers', ['vision_model.embeddings.class_embedding', 'text_model.final_layer_norm.bias'], /a CLIP, SigLIP/],
    ['a ViT of transformers', ['vit.embeddings.cls_token', 'vit.encoder.layer.0.layernorm_before.weight'], /a ViT of transformers/],
    ['a ConvNeXt', ['downsample_layers.0.0.weight', 'stages.0.0.gamma', 'norms.3.weight'], /"downsample_layers.0.0.weight": a ConvNeXt/],
    ['untied norms', ['cls_token', 'storage_tokens', 'cls_norm.weight'], /untied norms/],
    ['EVA', ['cls_token', 'pos_embed', 'blocks.0.gamma_1', 'blocks.0.attn.qkv.weight'], /an EVA or BEiT of timm/],
    ['FSDP shards', ['student.backbone._flat_param', 'student.backbone.cls_token'], /eval\/training_\*\/teacher_checkpoint\.pth/],
    ['heads alone', ['dino_head.mlp.0.weight', 'ibot_head.last_layer.weight_g'], /projection heads and no backbone/],
    ['something else', ['linear.weight'], /its names begin with "linear.weight"/],
    ['nothing', [], /holds no tensors/],
  ])('refuses %s by name', (_, names, message) => {
    const entries: Entries = new Map(names.map((name) => [name, { shape: [1, 1, 64] }]));
    expect(() => matchLayout('a.pth', entries)).toThrow(message);
    expect(() => matchLayout('a.pth', entries)).toThrow(/^a\.pth is not a DINOv2 or DINOv3 vision transformer of a known layout: /);
  });

  it('refuses a block number that no model has, before it asks for memory', () => {
    for (const number of ['1000', '300000000', '9'.repeat(400)]) {
      const entries = entriesOf(fairDinov2, small).set(`blocks.${number}.norm1.weight`, { shape: [64] });
      expect(() => matchLayout('a.pth', entries)).toThrow(/^a\.pth \(DINOv2\) numbers its blocks up to \S+, and more than 1000 are not read/);
    }
  });

  it('believes no size without a byte behind it', () => {
    const entries = new Map([...entriesOf(timmDinov2WithRegisters, { ...small, registers: 4 })].map(([name, { shape }]) => [name, { shape: [0, ...shape.slice(1, -1), 2 ** 40] }]));
    const description = { source: 'config.json', writer: 'timm', facts: { embedDim: 2 ** 40, heads: 1 } } as const;
    expect(() => matchLayout('a.pth', entries, { description })).toThrow(/^a\.pth \(timm DINOv2 with registers\) does not tell its width\. It is damaged/);
  });

  it('asks for the number of heads where nothing tells it', () => {
    const config = vitConfig('small', { embedDim: 48, heads: 2, depth: 1, patchSize: 4, imageSize: 16 });
    expect(() => matchLayout('x', entriesOf(fairDinov2, config))).toThrow(/width 48 does not divide into heads of 64; pass attentionHeads/);
    expect(matchLayout('x', entriesOf(fairDinov2, small)).assumed).toEqual(['1 heads (of width 64)']);
  });
});
