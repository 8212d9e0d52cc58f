import { describe, expect, it } from 'vitest';
import { csvLines, detailsCsv } from './csv';
import { formatMetric, isShare, lessIsBetter } from './metric';
import { npy } from './npy';

describe('formatMetric', () => {
  it.each([
    ['top-1, k = 10', 0.7434, '74.3 %'],
    ['other: top-1', 1, '100.0 %'],
    ['mIoU', null, '–'],
    ['δ1', NaN, '–'],
    ['RMSE', 0.41234, '0.4123'],
    ['near copies', 12, '12'],
  ])('%s of %s is %s', (name, value, text) => expect(formatMetric(name, value)).toBe(text));

  it('knows shares and errors', () => {
    expect(['mAP, hard', 'GAP', 'RankMe', 'RMSE log'].map(isShare)).toEqual([true, true, false, false]);
    expect(['RMSE', 'v2: RMSE', 'uniformity', 'top-1'].map(lessIsBetter)).toEqual([true, true, true, false]);
  });
});

describe('csv', () => {
  it('quotes what must be quoted (RFC 4180)', () => {
    expect(csvLines([['a', 1, null], ['b,c', '"d"', 'e\nf']])).toBe('a,1,\n"b,c","""d""","e\nf"\n');
  });

  it('has a column for notes where there are any', () => {
    expect(detailsCsv({ unit: 'class', columns: ['recall'], note: 'taken for', rows: [{ name: 'owl', values: [0.5], note: 'wren (2)' }, { name: 'wren', values: [null] }] })).toBe(
      'class,recall,taken for\nowl,0.5,wren (2)\nwren,,\n',
    );
  });
});

describe('npy', () => {
  // numpy.lib.format: magic, version, length of the header, header padded so that values begin at a multiple of 64.
  it.each([[[6], "(6,)"], [[2, 3], '(2, 3)']])('writes shape %j', (shape, text) => {
    const file = npy(Float32Array.of(1, 2, 3, 4, 5, 6), shape);
    expect([...file.subarray(0, 10)]).toEqual([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]);
    expect(file.subarray(10, 128).toString('latin1')).toMatch(/^\{'descr': '<f4', 'fortran_order': False, 'shape': \([\d, ]+\), \} +\n$/);
    expect(file.toString('latin1')).toContain(`'shape': ${text}, }`);
    expect([...new Float32Array(file.buffer.slice(file.byteOffset + 128, file.byteOffset + 152))]).toEqual([1, 2, 3, 4, 5, 6]);
  });
});
