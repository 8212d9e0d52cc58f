import { nodeFlops } from '@dinov2/jit';

const products = new Set(['Linear', 'BatchMatMul', '_FusedMatMul', 'Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter', 'Attention', 'AttentionGrad']);

/**
 * Operations of a step that count for model FLOPs utilisation: products of the networks, once forward and twice backward.
 * Left out are augmentation, softmax, norms, optimizer and everything that an engine computes again to save memory.
 */
export function modelFlops({ nodes }) {
  let sum = 0;
  for (const { op, inputs, attributes, outputs, scope, ...rest } of nodes) {
    if (!products.has(op) || scope?.startsWith('augment')) continue;
    if (op !== 'Attention' && op !== 'AttentionGrad') {
      sum += nodeFlops({ op, inputs, attributes, outputs, ...rest });
      continue;
    }
    const [batch, heads, tokens, width] = inputs.q.shape;
    sum += batch * heads * tokens ** 2 * width * (op === 'Attention' ? 4 : 8);
  }
  return sum;
}
