import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newFolder, put } from './pictures.testing';
import { openSplits } from './splits';

describe('openSplits', () => {
  it('gives test images the class numbers of the training images', () => {
    const folder = newFolder();
    for (const name of ['train/a/1.jpg', 'train/b/1.jpg', 'train/c/1.jpg', 'val/c/2.jpg', 'val/b/2.jpg']) put(folder, name, '');
    const { train, test } = openSplits(folder);
    expect(train.classes).toEqual(['a', 'b', 'c']);
    expect(test.classes).toEqual(['a', 'b', 'c']);
    expect([...test.labels]).toEqual([1, 2]);
    expect(test.paths[0]).toBe(join(folder, 'val/b/2.jpg'));
  });

  it('opens lists, and test images from elsewhere with several labels', () => {
    const folder = newFolder();
    put(folder, 'train.csv', 'path,label\n1.jpg,5\n2.jpg,10\n3.jpg,7\n');
    put(folder, 'test.jsonl', '{"path":"4.jpg","label":[10,7]}\n{"path":"5.jpg"}\n');
    for (const splits of [openSplits(folder), openSplits(join(folder, 'train.csv'), { test: join(folder, 'test.jsonl') })]) {
      expect(splits.train.classes).toEqual(['5', '7', '10']);
      expect([...splits.test.labels]).toEqual([2, -1]);
      expect(splits.test.multiLabels).toEqual([[2, 1], []]);
    }
  });

  it('names classes of test images that no training image has, and missing parts', () => {
    const folder = newFolder();
    for (const name of ['train/a/1.jpg', 'heldout/a/2.jpg', 'heldout/z/2.jpg']) put(folder, name, '');
    expect(() => openSplits(folder)).toThrow(/1 classes of .*heldout have no image in .*train: z;/);
    expect(() => openSplits(join(folder, 'heldout'))).toThrow(/no train\/ \(or train\.csv, train\.jsonl\) in .*heldout/);
    expect(() => openSplits(newFolder(), { test: folder })).toThrow(/no images below/);
  });
});
