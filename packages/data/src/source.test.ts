import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newFolder, put } from './pictures.testing';
import { openSource } from './source';

describe('openSource with a folder', () => {
  it('lists images by path, with the first folder as the class', () => {
    const folder = newFolder();
    for (const name of ['dog/b.JPG', 'cat/z/1.webp', 'cat/a.png', 'dog/a.tiff', 'top.gif', 'dog/notes.txt', '.hidden/x.jpg', 'dog/.x.jpg']) {
      put(folder, name, '');
    }
    const source = openSource(folder);
    expect(source.paths).toEqual(
      ['cat/a.png', 'cat/z/1.webp', 'dog/a.tiff', 'dog/b.JPG', 'top.gif'].map((name) => join(folder, name)),
    );
    expect(source.classes).toEqual(['cat', 'dog']);
    expect([...source.labels]).toEqual([0, 0, 1, 1, -1]);
  });

  it('follows links, and a loop of them once', () => {
    const folder = newFolder();
    put(folder, 'a/1.jpg', '');
    symlinkSync(folder, join(folder, 'a', 'loop'));
    symlinkSync(join(folder, 'a', '1.jpg'), join(folder, 'a', '2.jpg'));
    symlinkSync('3.jpg', join(folder, 'a', '3.jpg')); // to itself
    symlinkSync('gone.jpg', join(folder, 'a', '4.jpg'));
    expect(openSource(folder).paths).toEqual([join(folder, 'a/1.jpg'), join(folder, 'a/2.jpg')]);
  });

  it('explains what is missing', () => {
    const folder = newFolder();
    expect(() => openSource(folder)).toThrow(/no images below .*; put \.jpg/);
    expect(() => openSource(join(folder, 'none'))).toThrow(/no folder or list of images at/);
  });
});

describe('openSource with a list', () => {
  const folder = newFolder();

  it('reads text, one path per line', () => {
    const source = openSource(put(folder, 'a.txt', 'x/1.jpg\r\n\n/abs/2, with comma.png\n'));
    expect(source.paths).toEqual([join(folder, 'x/1.jpg'), '/abs/2, with comma.png']);
    expect([...source.labels]).toEqual([-1, -1]);
    expect(source.classes).toEqual([]);
  });

  it('reads CSV with and without header, labels and quotes', () => {
    const source = openSource(put(folder, 'a.csv', 'path,label\n1.jpg,dog\n"a, ""b"".png",cat\n3.jpg,\n4.jpg\n'));
    expect(source.paths.map((path) => path.slice(folder.length + 1))).toEqual(['1.jpg', 'a, "b".png', '3.jpg', '4.jpg']);
    expect(source.classes).toEqual(['cat', 'dog']);
    expect([...source.labels]).toEqual([1, 0, -1, -1]);
  });

  it('reads JSON lines and sorts numeric labels by value', () => {
    const source = openSource(put(folder, 'a.jsonl', '{"path":"1.jpg","label":10}\n{"path":"2.jpg","label":9}\n{"path":"3.jpg"}\n'));
    expect(source.classes).toEqual(['9', '10']);
    expect([...source.labels]).toEqual([1, 0, -1]);
  });

  it.each([
    ['a.csv', 'path,offset,length,source\nx.tar,1536,700,web\nb.jpg,,,web\n'],
    ['a.jsonl', '{"path":"x.tar","offset":1536,"length":700,"source":"web"}\n{"path":"b.jpg","offset":null,"length":null}\n'],
  ])('takes parts of files from %s', (name, text) => {
    const source = openSource(put(folder, name, text));
    expect(source.paths).toEqual([join(folder, 'x.tar'), join(folder, 'b.jpg')]);
    expect(source.spans).toEqual([{ offset: 1536, length: 700 }, undefined]);
  });

  it.each([
    ['{"path":"x.tar","offset":5}', /a\.jsonl:1 has the offset 5 and the length undefined; give both in bytes, or neither/],
    ['{"path":"x.tar","offset":-1,"length":4}', /the offset -1 and the length 4/],
    ['{"path":"x.tar","offset":1,"length":"many"}', /the offset 1 and the length many/],
  ])('refuses %s', (line, message) => {
    expect(() => openSource(put(folder, 'a.jsonl', line))).toThrow(message);
  });

  it('names the line that cannot be read', () => {
    expect(() => openSource(put(folder, 'bad.csv', 'a.jpg,1\na,b,c\n'))).toThrow(/bad\.csv:2 has 3 cells/);
    expect(() => openSource(put(folder, 'bad.jsonl', '{"file":"a"}'))).toThrow(/bad\.jsonl:1 has no "path"/);
    expect(() => openSource(put(folder, 'worse.jsonl', '{'))).toThrow(/worse\.jsonl:1 is not JSON/);
    expect(() => openSource(put(folder, 'none.txt', '\n'))).toThrow(/no images are named/);
    expect(() => openSource(put(folder, 'a.xml', ''))).toThrow(/pass a \.txt, \.csv, \.jsonl, \.parquet or \.tar file/);
  });
});
