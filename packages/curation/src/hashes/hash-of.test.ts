import { describe, expect, it } from 'vitest';
import { hashOf } from './hash-of';

describe('hashOf', () => {
  it('is the same for keys in any order, at any depth', () => {
    expect(hashOf({ a: 1, b: { c: [2], d: null } }, 'x')).toBe(hashOf({ b: { d: null, c: [2] }, a: 1 }, 'x'));
  });

  it('tells values, their order and their types', () => {
    const all = [[{ a: 1 }], [{ a: '1' }], [{ b: 1 }], [[1, 2]], [[2, 1]], [1, 2], [12], [null], []];
    expect(new Set(all.map((values) => hashOf(...values))).size).toBe(all.length);
  });

  it('is SHA-256 of the values as JSON', () => {
    // printf '[{"a":1,"b":"x"},[2,1]]' | sha256sum
    expect(hashOf({ b: 'x', a: 1 }, [2, 1])).toBe('421134b9ec244a5e7b30ae94bed883c6da1953b5c0c4ab0d027c6934180a6bf0');
  });
});
