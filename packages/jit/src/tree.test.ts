import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flattenTree, formatPath, mapTree, unflattenTree } from './index';

const tree: fc.Memo<unknown> = fc.memo((depth) =>
  depth <= 1
    ? fc.oneof(fc.double({ noNaN: true }), fc.constant(null), fc.constant(undefined))
    : fc.oneof(fc.array(tree(depth - 1), { maxLength: 3 }), fc.dictionary(fc.string(), tree(depth - 1), { maxKeys: 3, noNullPrototype: true }), fc.double({ noNaN: true })),
);

describe('trees', () => {
  it('come back from their leaves and structure', () => {
    fc.assert(
      fc.property(tree(4), (t) => {
        const { leaves, structure } = flattenTree<unknown, unknown>(t);
        expect(unflattenTree(structure, leaves)).toEqual(t);
      }),
    );
  });

  it('have the same leaves in the same order however their keys were added', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.double({ noNaN: true })), (record) => {
        const reversed = Object.fromEntries(Object.entries(record).reverse());
        expect(flattenTree(reversed)).toEqual(flattenTree(record));
      }),
    );
  });

  it('treat tensors, host arrays and specs as leaves', () => {
    const tensor = tf.scalar(1);
    const t = { b: [tensor, { data: Float32Array.of(1), shape: [1] }], a: { shape: [2], dtype: 'int32' as const } };
    const { leaves, paths } = flattenTree(t);
    expect(leaves).toEqual([t.a, ...t.b]);
    expect(paths).toEqual([['a'], ['b', 0], ['b', 1]]);
    tensor.dispose();
  });

  it('map leaf by leaf with a path', () => {
    expect(mapTree({ w: [1, 2], 'a.b': 3, none: undefined }, (leaf, path) => `${path}=${leaf}`)).toEqual({
      w: ['.w[0]=1', '.w[1]=2'],
      'a.b': '["a.b"]=3',
      none: undefined,
    });
  });

  it('refuse a wrong number of leaves', () => {
    const { structure } = flattenTree([1, 2]);
    expect(() => unflattenTree(structure, [1])).toThrow(/1 leaves are too few/);
    expect(() => unflattenTree(structure, [1, 2, 3])).toThrow(/3 leaves for a tree that holds 2/);
  });

  it('write paths as code', () => {
    expect(formatPath(['params', 'blocks.0.attn.qkv.weight', 3], 'state')).toBe('state.params["blocks.0.attn.qkv.weight"][3]');
  });
});
