import type { Builder } from './builder';
import { scatterAt, take } from './indexing';
import { input, type Lowering } from './lowering';
import { topK } from './reductions';
import type { Tensor } from './tensor';

/** One sort of each list with its scores, which carries the numbers of the columns along. */
function merged(b: Builder, values: Tensor, indices: Tensor, scores: Tensor, start: Tensor, count: Tensor): Tensor[] {
  const column = b.iota(scores.shape, 1);
  const candidates = b.select(b.compare('LT', column, count), scores, b.scalar(-Infinity, 'f32'));
  // A stable sort keeps the list before the columns, and those in their order.
  return topK(b, b.concat([values, candidates], 1), values.shape[1]!, [b.concat([indices, b.add(column, start)], 1)]);
}

export const mergeTopK: Lowering = (b, call) => {
  const lists = [input(call, 'values'), input(call, 'indices')] as const;
  const [scores, start, count] = [input(call, 'scores'), input(call, 'start'), input(call, 'count')];
  const { rows } = call.inputs;
  if (rows === undefined) return merged(b, ...lists, scores, start, count);
  const [values, indices] = lists.map((list) => take(b, list, b.maximum(rows, b.scalar(0, 'i32')), 0)) as [Tensor, Tensor];
  const places = b.reshape(rows, [rows.shape[0]!, 1]);
  // A padding row's number is negative: its updates are dropped.
  return merged(b, values, indices, scores, start, count).map((list, i) => scatterAt(b, lists[i]!, places, list, 'replace', true));
};
