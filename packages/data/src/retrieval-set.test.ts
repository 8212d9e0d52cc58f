import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newFolder, put } from './pictures.testing';
import { openRetrievalSet } from './retrieval-set';

const oxford = {
  imlist: ['all_souls_1', 'magdalen_2', 'radcliffe.png'],
  qimlist: ['all_souls_0'],
  gnd: [{ bbx: [10.4, 20.6, 110.5, 99.2], easy: [0], hard: [], junk: [2] }] as unknown[],
};

function write(content: object): string {
  const folder = newFolder();
  for (const name of ['all_souls_0.jpg', 'all_souls_1.jpg', 'magdalen_2.jpg', 'radcliffe.png']) put(folder, `jpg/${name}`, '');
  return put(folder, 'gnd.json', JSON.stringify(content));
}

describe('openRetrievalSet', () => {
  it("reads the revisited Oxford's structure", () => {
    const file = write(oxford);
    const images = join(file, '../jpg');
    const { queries, gallery, groundTruth } = openRetrievalSet(file);
    expect(queries.paths).toEqual([join(images, 'all_souls_0.jpg')]);
    expect(queries.boxes).toEqual([{ left: 10, top: 21, width: 101, height: 78 }]);
    expect(gallery.paths).toEqual(['all_souls_1.jpg', 'magdalen_2.jpg', 'radcliffe.png'].map((name) => join(images, name)));
    expect(groundTruth).toEqual([{ easy: [0], hard: [], junk: [2] }]);
    expect(openRetrievalSet(file, images).gallery.paths).toEqual(gallery.paths);
  });

  it('takes queries without boxes', () => {
    const file = write({ ...oxford, gnd: [{ easy: [], hard: [1], junk: [] }] });
    expect(openRetrievalSet(file).queries.boxes).toBeUndefined();
  });

  it('says what is wrong', () => {
    const entry = { easy: [], hard: [], junk: [] };
    const wrong = [
      [{ ...oxford, imlist: undefined }, /has no "imlist"/],
      [{ ...oxford, gnd: [] }, /has no "gnd" of 1 entries/],
      [{ ...oxford, gnd: [{ ...entry, easy: [3] }] }, /"easy" of gnd\[0\] is no list of numbers from 0 to 2/],
      [{ ...oxford, gnd: [{ easy: [], hard: [] }] }, /"junk" of gnd\[0\]/],
      [{ ...oxford, gnd: [{ ...entry, bbx: [1, 2, 3] }] }, /"bbx" of gnd\[0\] is not/],
      [{ ...oxford, gnd: [{ ...entry, bbx: [9, 2, 3, 5] }] }, /"bbx" of gnd\[0\] is empty/],
      [{ ...oxford, imlist: ['gone', ...oxford.imlist] }, /1 pictures of .*gnd\.json are missing: .*gone\.jpg; pass the folder/],
    ] as const;
    for (const [content, message] of wrong) expect(() => openRetrievalSet(write(content))).toThrow(message);
    expect(() => openRetrievalSet(put(newFolder(), 'gnd.pkl', '\x80\x04'))).toThrow(/cannot read the retrieval set .*JSON first/);
  });
});
