import type { Graph } from '../graph';
import { rewrite } from '../passes/rewrite';

/** Gradients of what is computed from parameters alone, linear in the input named here. */
const linearIn: Readonly<Record<string, string>> = { WeightNormGrad: 'dw' };

/**
 * Average what the gradient of a parameter is computed from, rather than the gradient: what follows is then done once,
 * on the parts that devices hold, and not by every shard on whole parameters.
 */
export function averageFirst(graph: Graph): Graph {
  return rewrite(graph, ({ op, inputs }, { producer, node }) => {
    if (op !== 'ShardMean') return undefined;
    const made = producer(inputs.x);
    const input = made && linearIn[made.op];
    if (made === undefined || input === undefined) return undefined;
    const { id: _, ...spec } = made.inputs[input];
    const [mean] = node('ShardMean', { x: made.inputs[input] }, {}, [{ ...spec, stored: undefined }]);
    return [node(made.op, { ...made.inputs, [input]: mean }, made.attributes, made.outputs)[made.outputs.indexOf(inputs.x)]];
  });
}
