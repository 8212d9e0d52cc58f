import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDataset } from './dataset';
import { newFolder, put } from './pictures.testing';

function folderOf(...names: string[]): string {
  const folder = newFolder();
  for (const name of names) put(folder, name, '');
  return folder;
}
const inside = (folder: string, paths: readonly (string | undefined)[] | undefined) => paths?.map((path) => path?.slice(folder.length + 1));

describe('openDataset with folders', () => {
  it('reads classes from folders, and names the empty ones', () => {
    const folder = folderOf('b/1.jpg', 'a/1.jpg', 'c/notes.txt', '.cache/x', 'd/deep/notes.txt');
    expect(() => openDataset(folder)).toThrow(/2 class folders of .* hold no image: c, d;/);
    put(folder, 'c/1.png', '');
    put(folder, 'd/deep/1.png', '');
    const { classes, labels, masks, depths } = openDataset(folder);
    expect(classes).toEqual(['a', 'b', 'c', 'd']);
    expect([...labels]).toEqual([0, 1, 2, 3]);
    expect([masks, depths]).toEqual([undefined, undefined]);
  });

  it('matches images, masks and depth maps by name', () => {
    const folder = folderOf('images/b.jpg', 'images/a.x.png', 'masks/a.x.png', 'masks/b.png', 'depths/a.x.npy', 'depths/b.PNG', 'masks/.b.png');
    put(folder, 'classes.json', '["floor", "wall"]');
    const dataset = openDataset(folder);
    expect(inside(folder, dataset.paths)).toEqual(['images/a.x.png', 'images/b.jpg']);
    expect(inside(folder, dataset.masks)).toEqual(['masks/a.x.png', 'masks/b.png']);
    expect(inside(folder, dataset.depths)).toEqual(['depths/a.x.npy', 'depths/b.PNG']);
    expect(dataset.maskClasses).toEqual(['floor', 'wall']);
    expect([...dataset.labels]).toEqual([-1, -1]);
  });

  it('takes masks and depth maps from folders elsewhere, with subfolders', () => {
    const folder = folderOf('JPEGImages/x/1.jpg', 'JPEGImages/2.jpg', 'SegmentationClass/x/1.png', 'SegmentationClass/2.png', 'far/2.npy', 'far/x/1.npy');
    const dataset = openDataset(join(folder, 'JPEGImages'), { masks: join(folder, 'SegmentationClass'), depths: join(folder, 'far') });
    expect(inside(folder, dataset.masks)).toEqual(['SegmentationClass/2.png', 'SegmentationClass/x/1.png']);
    expect(inside(folder, dataset.depths)).toEqual(['far/2.npy', 'far/x/1.npy']);
    expect(dataset.classes).toEqual(['x']);
  });

  it('names what is missing, unless that is allowed', () => {
    const folder = folderOf(...['1', '2', '3', '4', '5', '6', '7'].map((n) => `images/${n}.jpg`), 'masks/1.png', 'masks/9.png');
    expect(() => openDataset(folder)).toThrow(
      /6 images have no mask in .*masks: 2, 3, 4, 5, 6 and 1 more; 1 masks have no image in .*images: 9; add the missing files/,
    );
    const { masks } = openDataset(folder, { allowMissing: true });
    expect(inside(folder, masks)).toEqual(['masks/1.png', ...Array<undefined>(6).fill(undefined)]);
    put(folder, 'images/1.png', '');
    expect(() => openDataset(folder, { allowMissing: true })).toThrow(/1\.jpg and .*1\.png have the same name/);
  });

  it('names images without a class where these are required', () => {
    expect(() => openDataset(folderOf('a/1.jpg', '2.jpg'), { requireLabels: true })).toThrow(/1 of the 2 images .* have no class: .*2\.jpg/);
    expect(() => openDataset(folderOf('a/1.jpg', 'b/2.jpg'), { requireLabels: true })).not.toThrow();
  });

  it('refuses names of classes that are no list', () => {
    const folder = folderOf('images/1.jpg', 'masks/1.png');
    put(folder, 'classes.json', '{"0": "a"}');
    expect(() => openDataset(folder)).toThrow(/classes\.json is no list of names/);
  });
});

describe('openDataset with lists', () => {
  const folder = newFolder();

  it('reads the columns of a CSV header in any order', () => {
    const list = put(folder, 'a.csv', '\uFEFFMask,path,note,depth\nm/1.png,1.jpg,"two\nlines",d/1.npy\n,"2, b.jpg",,/abs/2.png\n');
    const { paths, masks, depths, labels, classes } = openDataset(list);
    expect(inside(folder, paths)).toEqual(['1.jpg', '2, b.jpg']);
    expect(inside(folder, masks)).toEqual(['m/1.png', undefined]);
    expect(depths).toEqual([join(folder, 'd/1.npy'), '/abs/2.png']);
    expect([[...labels], classes]).toEqual([[-1, -1], []]);
  });

  it('reads JSON lines with several labels', () => {
    const lines = [
      { path: '1.jpg', label: ['b', 'a'], mask: 'm.png' },
      { path: '2.jpg', label: [] },
      { path: '3.jpg', label: 'c', depth: 'd.npy' },
      { path: '4.jpg', label: null, mask: null },
    ];
    const { labels, classes, multiLabels, masks, depths } = openDataset(put(folder, 'a.jsonl', lines.map((line) => JSON.stringify(line)).join('\n')));
    expect(classes).toEqual(['a', 'b', 'c']);
    expect(multiLabels).toEqual([[1, 0], [], [2], []]);
    expect([...labels]).toEqual([1, -1, 2, -1]);
    expect(inside(folder, masks)).toEqual(['m.png', undefined, undefined, undefined]);
    expect(inside(folder, depths)).toEqual([undefined, undefined, 'd.npy', undefined]);
  });

  it('names what cannot be read', () => {
    expect(() => openDataset(put(folder, 'b.csv', 'image,label\n1.jpg,a\n'))).toThrow(/b\.csv:1 names columns but not "path"/);
    expect(() => openDataset(put(folder, 'c.csv', 'path,mask\n1.jpg,a,b\n'))).toThrow(/c\.csv:2 has 3 cells; expected path,mask/);
    expect(() => openDataset(put(folder, 'd.csv', 'path,mask\n,a\n'))).toThrow(/d\.csv:2 has no path/);
    expect(() => openDataset(put(folder, 'e.csv', 'path\n"1.jpg\n'))).toThrow(/e\.csv is not CSV: .*Quote/);
    expect(() => openDataset(put(folder, 'b.jsonl', '{"path":"1.jpg","label":{}}'))).toThrow(/b\.jsonl:1 has the label \{\}/);
    expect(() => openDataset(put(folder, 'c.jsonl', '{"path":"1.jpg","mask":3}'))).toThrow(/c\.jsonl:1 has a "mask" that is no path/);
    expect(() => openDataset(put(folder, 'f.csv', '1.jpg\n'), { masks: folder })).toThrow(/f\.csv is a list; name masks/);
  });
});
