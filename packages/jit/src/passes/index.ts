import type { Graph } from '../graph';
import { removeDeadCode } from './dead-code';
import { makeOutputsDistinct } from './distinct-outputs';

const passes = [removeDeadCode, makeOutputsDistinct];

/** Clean a traced graph up; what it computes stays the same. */
export const optimize = (graph: Graph): Graph => passes.reduce((current, pass) => pass(current), graph);
