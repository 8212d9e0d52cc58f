import type { Node } from '@dinov2/jit';
import { kernel } from './kernel';

/** Length of an axis of the output and the step, in elements, that it makes in the input. */
interface Axis {
  length: number;
  stride: number;
}

/** Axes of the output with neighbours joined wherever they are also neighbours in the input. */
function outputAxes(shape: readonly number[], perm: readonly number[]): Axis[] {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((n, length) => n * length, 1));
  const axes: Axis[] = [];
  for (const i of perm) {
    if (shape[i] === 1) continue;
    const previous = axes.at(-1);
    if (previous?.stride === shape[i] * strides[i]) {
      previous.length *= shape[i];
      previous.stride = strides[i];
    } else {
      axes.push({ length: shape[i], stride: strides[i] });
    }
  }
  return axes;
}

/** The outer axes, padded to four, and the bytes of the blocks that stay together. */
function blocks(node: Node): { outer: Axis[]; bytes: number } | undefined {
  const { x } = node.inputs;
  const axes = outputAxes(x.shape, node.attributes.perm as number[]);
  const inner = axes.at(-1)?.stride === 1 ? axes.pop()!.length : 1;
  if (axes.length > 4 || x.dtype === 'bool') return undefined;
  const padding = Array.from({ length: 4 - axes.length }, () => ({ length: 1, stride: 0 }));
  return { outer: [...padding, ...axes], bytes: 4 * inner };
}

/** tfjs `Transpose` where runs of at least 16 values stay together, as the head split of attention. */
export const transpose = kernel({
  name: 'Transpose',
  supports: (node) => (blocks(node)?.bytes ?? 0) >= 64,
  run(wasm, node, { inputs: [x], outputs: [out] }) {
    const { outer, bytes } = blocks(node)!;
    const [n0, n1, n2, n3] = outer.map(({ length }) => length);
    const [s0, s1, s2, s3] = outer.map(({ stride }) => 4 * stride);
    wasm.copyBlocks(x, out, bytes, n0, n1, n2, n3, s0, s1, s2, s3);
  },
});
