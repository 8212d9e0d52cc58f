import type { Node, Value } from '@dinov2/jit';
import { bytesOf, sizeOf } from './element-type';
import type { Location } from './executable';
import type { Block, Heap } from './heap';
import type { SimdKernel } from './kernels';
import { kernelsOn } from './runtime';

/** Kernels that work element by element, so that a part of the operands can be done at a time. */
const elementwise: ReadonlySet<string> = new Set(['AdamW', 'Ema', 'GeluGrad', 'Add', 'Sub', 'Multiply', 'AddN']);
/** Elements per part when operands must be brought into one heap. */
const chunk = 1 << 20;

/** Run a kernel; operands in other heaps than the first output are copied next to it. */
export function runSimd(
  kernel: SimdKernel,
  call: Node,
  inputs: readonly Location[],
  outputs: readonly Location[],
  scratch: Location | undefined,
): void {
  const { heap } = outputs[0].block;
  if ([...inputs, ...outputs, ...(scratch ? [scratch] : [])].every(({ block }) => block.heap === heap)) {
    kernel.run(kernelsOn(heap), call, {
      inputs: inputs.map(({ offset }) => offset),
      outputs: outputs.map(({ offset }) => offset),
      scratch: scratch?.offset ?? 0,
    });
    return;
  }
  if (!elementwise.has(kernel.name)) return runInHeap(heap, kernel, call, inputs, outputs);
  const size = sizeOf(call.outputs[0].shape);
  for (let from = 0; from < size; from += chunk) {
    const count = Math.min(chunk, size - from);
    const part = (value: Value): Value => (sizeOf(value.shape) === size ? { ...value, shape: [count] } : value);
    const move = (location: Location, value: Value): Location =>
      sizeOf(value.shape) === size ? { ...location, offset: location.offset + 4 * from } : location;
    const values = Object.values(call.inputs);
    runInHeap(
      heap,
      kernel,
      {
        ...call,
        inputs: Object.fromEntries(Object.entries(call.inputs).map(([name, value]) => [name, part(value)])),
        outputs: call.outputs.map(part),
      },
      inputs.map((location, i) => move(location, values[i])),
      outputs.map((location, i) => move(location, call.outputs[i])),
    );
  }
}

/** Run with all operands in `heap`, through copies where they are not. */
function runInHeap(heap: Heap, kernel: SimdKernel, call: Node, inputs: readonly Location[], outputs: readonly Location[]): void {
  const blocks: Block[] = [];
  const reserve = (bytes: number): Block => {
    const block = heap.allocate(bytes);
    if (!block) throw new Error(`the heap has no ${bytes} bytes left to bring operands of ${kernel.name} together; pass a smaller batch.`);
    blocks.push(block);
    return block;
  };
  try {
    const bytes = (value: Value) => bytesOf(value.shape, value.dtype);
    const values = Object.values(call.inputs);
    const inputOffsets = inputs.map(({ block, offset }, i) => {
      if (block.heap === heap) return offset;
      const copy = reserve(bytes(values[i]));
      heap.bytes.set(block.heap.bytes.subarray(offset, offset + bytes(values[i])), copy.offset);
      return copy.offset;
    });
    const outputOffsets = outputs.map(({ block, offset }, i) =>
      block.heap === heap ? offset : reserve(bytes(call.outputs[i])).offset,
    );
    const scratchBytes = kernel.scratchBytes(call);
    const scratch = scratchBytes > 0 ? reserve(scratchBytes).offset : 0;
    kernel.run(kernelsOn(heap), call, { inputs: inputOffsets, outputs: outputOffsets, scratch });
    outputs.forEach(({ block, offset }, i) => {
      if (block.heap === heap) return;
      const from = outputOffsets[i];
      block.heap.bytes.set(heap.bytes.subarray(from, from + bytes(call.outputs[i])), offset);
    });
  } finally {
    for (const block of blocks) heap.free(block);
  }
}
