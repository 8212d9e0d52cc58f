import { headConfig, headParameterShapes } from '@dinov2/vit';
import { describe, expect, it } from 'vitest';
import { selectHead } from './heads';
import type { Shape } from './layout';

const config = headConfig(16, { prototypes: 20, hiddenDim: 12, bottleneckDim: 8 });

function entriesOf(prefix: string, rename: (name: string) => string = (name) => name): Map<string, { shape: Shape }> {
  return new Map(Object.entries(headParameterShapes(config)).map(([name, shape]) => [prefix + rename(name), { shape }]));
}

describe('selectHead', () => {
  it('finds a head under every name that its last layer has had', () => {
    const names = { weight_g: 'parametrizations.weight.original0', weight_v: 'parametrizations.weight.original1' };
    const newer = entriesOf('teacher.ibot_head.', (name) => name.replace(/weight_[gv]$/, (old) => names[old as keyof typeof names]));
    for (const entries of [entriesOf('teacher.ibot_head.'), entriesOf('teacher.ibotHead.'), entriesOf('teacher.module.ibot_head.'), newer]) {
      const head = selectHead('x', entries, 'teacher.', 'ibot')!;
      expect(head.config).toEqual(config);
      expect([...head.tensors.keys()].sort()).toEqual(Object.keys(headParameterShapes(config)).sort());
      expect(head.plainLastLayer).toBe(false);
    }
    expect(selectHead('x', newer, 'student.', 'ibot')).toBeUndefined();
    expect(selectHead('x', newer, 'teacher.', 'dino')).toBeUndefined();
  });

  it('finds heads of any number of layers, and with a plain last layer', () => {
    for (const layers of [1, 2, 4]) {
      // A single layer has no hidden width of its own.
      const other = headConfig(16, { ...config, layers, hiddenDim: layers === 1 ? 8 : 12 });
      const shapes = { ...headParameterShapes(other), 'last_layer.weight': [20, 8] } as Record<string, Shape>;
      delete shapes['last_layer.weight_g'];
      delete shapes['last_layer.weight_v'];
      const head = selectHead('x', new Map(Object.entries(shapes).map(([name, shape]) => [`dino_head.${name}`, { shape }])), '', 'dino')!;
      expect(head.config).toEqual(other);
      expect(head.plainLastLayer).toBe(true);
    }
  });

  it('names what is missing, unexpected or of another shape', () => {
    const broken = entriesOf('dino_head.');
    broken.delete('dino_head.mlp.2.bias');
    broken.set('dino_head.mlp.4.bias', { shape: [9] }).set('dino_head.mlp.1.running_mean', { shape: [12] });
    expect(() => selectHead('a.pth', broken, '', 'dino')).toThrow(
      'The dino head of a.pth is no projection head of DINOv2 or DINOv3: "mlp.2.bias" (12) is missing; "mlp.4.bias" (9) is not (8); "mlp.1.running_mean" (12) is unexpected. Load the backbone without heads.',
    );
    expect(() => selectHead('a.pth', new Map([['dino_head.scale', { shape: [1] }]]), '', 'dino')).toThrow(/it holds "scale"/);
  });
});
