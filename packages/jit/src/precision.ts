import type { Graph } from './graph';

/**
 * In which number format a graph computes, as a rewrite of the graph.
 *
 * A policy for lower precision inserts conversions around the nodes that profit (matrix products,
 * convolutions, attention) and leaves reductions, losses, softmax statistics and the parameters
 * themselves in float32. Because tfjs has no bfloat16 type, such a policy belongs to an engine: it
 * marks nodes with an attribute that its own kernels understand, e.g. `compute: 'bfloat16'`, and the
 * types of all values stay float32.
 */
export interface PrecisionPolicy {
  /** Shown at start-up: `float32`, `bfloat16`. */
  readonly name: string;
  apply(graph: Graph): Graph;
}

/** Everything as traced. */
export const float32: PrecisionPolicy = { name: 'float32', apply: (graph) => graph };
