import { describe, expect, it } from 'vitest';
import { parameterShapes, vitConfig } from '@dinov2/vit';
import { backboneGroup, groupKey, headGroup } from './parameter-groups';

const rules = { depth: 12, layerwiseDecay: 0.9, patchEmbedMultiplier: 0.2 };
const group = (name: string) => backboneGroup(name, rules);

describe('backboneGroup', () => {
  // training.md section 3, ViT-S with decay 0.9.
  it.each([
    ['pos_embed', 0.25418658],
    ['cls_token', 0.25418658],
    ['mask_token', 0.25418658],
    ['register_tokens', 0.25418658],
    ['patch_embed.proj.weight', 0.05083732],
    ['patch_embed.proj.bias', 0.05083732],
    ['blocks.0.norm1.weight', 0.28242954],
    ['blocks.11.mlp.fc2.weight', 0.9],
    ['norm.weight', 1],
  ])('scales the learning rate of %s by %f', (name, factor) => {
    expect(group(name).learningRate).toBeCloseTo(factor, 8);
  });

  it('decays everything but biases, norms and LayerScale', () => {
    const decayed = ['pos_embed', 'cls_token', 'mask_token', 'register_tokens', 'patch_embed.proj.weight', 'blocks.3.attn.qkv.weight'];
    const free = ['patch_embed.proj.bias', 'blocks.3.attn.qkv.bias', 'blocks.3.norm2.weight', 'blocks.3.ls1.gamma', 'norm.weight'];
    expect(decayed.map((name) => group(name).weightDecay)).toEqual(decayed.map(() => 1));
    expect(free.map((name) => group(name).weightDecay)).toEqual(free.map(() => 0));
  });

  it('makes the 28 groups of a ViT-S', () => {
    const names = Object.keys(parameterShapes(vitConfig('small')));
    expect(new Set(names.map((name) => groupKey(group(name)))).size).toBe(28);
  });

  it('reads the block number of a chunked name', () => {
    expect(group('blocks.1.5.norm1.weight')).toEqual(group('blocks.5.norm1.weight'));
  });
});

describe('headGroup', () => {
  it('decays prototypes, both g and v, and marks them as the last layer', () => {
    for (const name of ['last_layer.weight_g', 'last_layer.weight_v']) {
      expect(headGroup(name)).toEqual({ learningRate: 1, weightDecay: 1, lastLayer: true });
    }
    expect(headGroup('mlp.0.weight')).toEqual({ learningRate: 1, weightDecay: 1, lastLayer: false });
    expect(headGroup('mlp.4.bias')).toEqual({ learningRate: 1, weightDecay: 0, lastLayer: false });
  });
});
