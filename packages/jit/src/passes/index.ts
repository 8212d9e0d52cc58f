import type { Graph } from '../graph';
import { shareCommonSubexpressions } from './common-subexpressions';
import { foldConstants } from './constant-folding';
import { removeDeadCode } from './dead-code';
import { makeOutputsDistinct } from './distinct-outputs';
import { simplify } from './simplify';

const round = (graph: Graph): Graph =>
  [removeDeadCode, foldConstants, simplify, shareCommonSubexpressions, removeDeadCode].reduce(
    (current, pass) => pass(current),
    graph,
  );

/** One simplification opens the next; real programs are done after two or three rounds. */
const maxRounds = 8;

/** Clean a traced graph up; what it computes stays the same. */
export function optimize(graph: Graph): Graph {
  let current = graph;
  for (let i = 0; i < maxRounds; i++) {
    const before = current.nodes;
    current = round(current);
    if (current.nodes.length === before.length && current.nodes.every((node, j) => node === before[j])) break;
  }
  return makeOutputsDistinct(current);
}
