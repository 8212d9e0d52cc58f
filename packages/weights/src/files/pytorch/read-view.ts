import type { WeightData } from '../dtypes';
import { dtypes } from '../dtypes';
import type { RandomAccessFile } from '../random-access-file';
import { readElements } from '../read-tensor';
import { elementsOf } from '../weights-file';
import { axesOf, type PickledTensor } from './view';

/**
 * Read a view that is not contiguous, in row-major order. `position` is where its storage starts.
 *
 * The storage is walked once, from low addresses to high, a window at a time, and its elements are
 * scattered to where they belong; so a transposed matrix takes no second copy of itself.
 */
export async function readView(file: RandomAccessFile, position: number, tensor: PickledTensor, target: WeightData): Promise<void> {
  const { storage, offset, shape, strides } = tensor;
  if (elementsOf(shape) === 0) return;
  const axes = axesOf(shape, strides);
  const inner = axes.pop() ?? { size: 1, stride: 0, outputStride: 0 };
  const end = 1 + axes.reduce((sum, { size, stride }) => sum + (size - 1) * stride, offset + (inner.size - 1) * inner.stride);
  const { bytes } = dtypes[storage.dtype];
  const window = target instanceof Float32Array ? new Float32Array(Math.min(windowElements, end - offset)) : dtypes[storage.dtype].allocate(Math.min(windowElements, end - offset));
  let [windowStart, windowEnd] = [0, 0];

  const index = axes.map(() => 0);
  let [from, to] = [offset, 0];
  for (;;) {
    for (let i = 0; i < inner.size; ) {
      const first = from + i * inner.stride;
      if (first < windowStart || first >= windowEnd) {
        windowStart = first;
        windowEnd = Math.min(end, first + window.length);
        await readElements(file, position + first * bytes, storage.dtype, window.subarray(0, windowEnd - first));
      }
      const stop = inner.stride === 0 ? inner.size : Math.min(inner.size, i + Math.ceil((windowEnd - first) / inner.stride));
      for (let w = first - windowStart, t = to + i * inner.outputStride; i < stop; i++, w += inner.stride, t += inner.outputStride) {
        target[t] = window[w];
      }
    }
    // Count up, the last axis fastest.
    let axis = axes.length - 1;
    for (; axis >= 0; axis--) {
      from += axes[axis].stride;
      to += axes[axis].outputStride;
      if (++index[axis] < axes[axis].size) break;
      from -= axes[axis].size * axes[axis].stride;
      to -= axes[axis].size * axes[axis].outputStride;
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

const windowElements = 1 << 20;
