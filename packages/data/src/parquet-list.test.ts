import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import golden from './parquet-list.golden.json';
import { newFolder, put } from './pictures.testing';
import { openSource } from './source';

const folder = newFolder();
const open = (name: keyof typeof golden) => openSource(put(folder, `${name}.parquet`, Buffer.from(golden[name], 'base64')));

describe('openSource with a Parquet list', () => {
  it.each(['arrow', 'groups', 'pandas'] as const)('reads what %s wrote', (name) => {
    const source = open(name);
    expect(source.paths).toEqual(['a.jpg', 'shard.tar', 'shard.tar', 'ö/b.jpg'].map((path) => join(folder, path)));
    expect(source.classes).toEqual(['cat', 'dog']);
    expect([...source.labels]).toEqual([1, 0, -1, 1]);
    expect(source.spans).toEqual([undefined, { offset: 512, length: 700 }, { offset: 4096, length: 9000 }, undefined]);
  });

  it('sorts numbers of classes by value', () => {
    const source = open('numbered');
    expect(source.classes).toEqual(['9', '10']);
    expect([...source.labels]).toEqual([1, 0]);
    expect(source.spans).toBeUndefined();
  });

  it('says what is wrong', () => {
    expect(() => open('pathless')).toThrow(/pathless\.parquet has no column "path"; expected path and perhaps label/);
    expect(() => open('gzip')).toThrow(/cannot read the list .*gzip\.parquet: parquet unsupported compression codec: GZIP/);
    const whole = Buffer.from(golden.arrow, 'base64');
    for (const [name, content] of [['cut', whole.subarray(0, 300)], ['words', Buffer.from('words')], ['empty', Buffer.alloc(0)]] as const) {
      expect(() => openSource(put(folder, `${name}.parquet`, content))).toThrow(/cannot read the list .*\.parquet: /);
    }
  });
});
