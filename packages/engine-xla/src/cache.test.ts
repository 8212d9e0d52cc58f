import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheKey, ExecutableCache } from './cache';

describe('ExecutableCache', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dinov2-cache-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('gives back what was put, and drops what was used longest ago', async () => {
    const cache = new ExecutableCache(join(folder, 'deep'), 250);
    for (const [i, key] of ['a', 'b'].entries()) {
      await cache.put(key, new Uint8Array(100).fill(i));
      utimesSync(join(cache.folder, `${key}.executable`), i + 1, i + 1);
    }
    // Reading is use: b is now the older one.
    expect(await cache.get('a')).toEqual(new Uint8Array(100));
    await cache.put('c', new Uint8Array(100));
    expect(readdirSync(cache.folder).sort()).toEqual(['a.executable', 'c.executable']);
    await cache.put('large', new Uint8Array(1000));
    expect(await cache.get('large')).toBeUndefined();
    await cache.remove('a');
    expect(await cache.get('a')).toBeUndefined();
  });

  it('is silent about a folder that cannot be written', async () => {
    writeFileSync(join(folder, 'file'), '');
    const cache = new ExecutableCache(join(folder, 'file', 'below'));
    await cache.put('a', new Uint8Array(1));
    expect(await cache.get('a')).toBeUndefined();
  });

  it('has other keys for other parts', () => {
    const keys = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', '']].map(cacheKey);
    expect(new Set(keys).size).toBe(4);
    expect(cacheKey([new TextEncoder().encode('ab'), 'c'])).toBe(keys[0]);
  });
});
