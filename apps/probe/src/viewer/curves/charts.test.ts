import { expect, it } from 'vitest';
import { chartsOf, columnsOf, merge } from './charts';

it('shows the series that a log has, with holes where there is no number', () => {
  const lines = [{ iteration: 0, loss: 3, koleoLoss: 0, ibotLoss: 2 }, { iteration: 4, loss: null, koleoLoss: 0, ibotLoss: 1 }];
  const charts = chartsOf(lines);
  expect(charts.map(({ title }) => title)).toEqual(['Loss', 'Loss terms']);
  expect(columnsOf(lines, charts[0]!)).toEqual([[1, 5], [3, null]]);
  expect(charts[1]!.series).toEqual([{ key: 'ibotLoss', name: 'iBOT' }]);
});

it('keeps the later of two lines of one iteration', () => {
  const line = (iteration: number, loss: number) => ({ iteration, loss });
  expect(merge([line(0, 1), line(1, 2)], [line(2, 3)])).toEqual([line(0, 1), line(1, 2), line(2, 3)]);
  expect(merge([line(0, 1), line(1, 2), line(2, 3)], [line(1, 9), line(2, 8), line(3, 7)])).toEqual([line(0, 1), line(1, 9), line(2, 8), line(3, 7)]);
  expect(merge([], [line(1, 1), line(1, 2)])).toEqual([line(1, 2)]);
});
