import type { Node } from '@dinov2/jit';
import { allFloat32, kernel, sizeOf } from './kernel';

/** How many leading axes are summed, if the summed axes are the leading ones and some axis is left. */
function leadingAxes(node: Node): number | undefined {
  const { axis } = node.attributes;
  const rank = node.inputs.x.shape.length;
  if (typeof axis !== 'number' && !Array.isArray(axis)) return undefined;
  const axes = [axis].flat().map((i: number) => (i < 0 ? i + rank : i)).sort((a, b) => a - b);
  return axes.length < rank && axes.every((i, index) => i === index) ? axes.length : undefined;
}

/** tfjs `Sum` over leading axes, as in the gradient of a bias. */
export const columnSums = kernel({
  name: 'Sum',
  supports: (node) => allFloat32(node) && leadingAxes(node) !== undefined,
  run(wasm, node, { inputs: [x], outputs: [out] }) {
    const { shape } = node.inputs.x;
    const axes = leadingAxes(node)!;
    wasm.columnSums(x, out, sizeOf(shape.slice(0, axes)), sizeOf(shape.slice(axes)));
  },
});
